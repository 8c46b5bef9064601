"""Admin pages of received mail: the list and the story of one mail (`received`), its content, downloads, and sweeps.

What is in a mail comes from strangers. `content` shows it so that nothing of it runs.
"""

from mail.admin import received as received
from mail.admin import sweeps as sweeps
