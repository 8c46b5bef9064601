"""Admin pages of received mail: the list and the story of one mail (`received`), its content and downloads, `deliveries`, endpoints
that fail (`gates`), and sweeps. `actions` is what lists can do besides showing.

What is in a mail comes from strangers. `content` shows it so that nothing of it runs.
"""

from mail.admin import deliveries as deliveries
from mail.admin import gates as gates
from mail.admin import received as received
from mail.admin import sweeps as sweeps
