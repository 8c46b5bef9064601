"""What operators have to know of mail: all of it in numbers, and one mail in full.

`figures` reads the numbers, `endpoints` those of endpoints, `traffic` how much mail arrives, and `queue` what is recorded of the
queue. `wording` puts them into sentences, for `mail_status`, the mail worker and every other surface.
`story` tells of one mail, and `delivery` of one delivery. Above deliveries, below commands, admin pages and the worker.
"""
