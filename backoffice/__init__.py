"""The admin kit: everything that admin pages of several apps share. An app without models, for its template and style sheet.

- `base`: typed versions of Django's admin classes, and read-only pages and inlines
- `links`: links from one page to another
- `service_forms`: add and change rows through services
- `deletion`: delete rows through services, with the plan on the confirmation page
- `text`: counts, lists of names, sizes and dates, for pages and commands alike
- `urls`: where to go when a page has finished

Every app may import it. It imports no app, only `rest`; models of the apps are named by text.
"""
