"""What operators see on pages and in terminals, shared by several apps. An app without models, for its template and style sheet.

- `site`: the admin site, with its header and its menu (`menu`)
- `base`: typed versions of Django's admin classes, and read-only pages and inlines
- `lists`: what searches of lists understand, and filters that take only what they offer
- `links`: links from one page to another and to the changes of each object, and where to go when a page has finished
- `service_forms`: add and change rows through services, and show a new secret once
- `deletion`: delete rows through services, with the plan and a typed name on the confirmation page
- `text`: wording of counts, lists of names, sizes and dates, for pages, commands and messages
- `shell`: what commands share: questions before a change, progress, JSON
- `formats`: how Django writes dates on pages
- `tables`: tables as plain text for commands, and as HTML for fields of pages

Every module above may import `text` and `tables`, commands `shell`, and admin pages the rest. It imports no app, only `rest`;
models of the apps are named by text.
"""
