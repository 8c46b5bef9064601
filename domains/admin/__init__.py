from domains.admin import deletions as deletions
from domains.admin import domains as domains
