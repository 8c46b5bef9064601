from addresses.admin import addresses as addresses
