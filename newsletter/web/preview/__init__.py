"""The editor's preview, on this machine only.

1. `server.Server` listens on this machine only, until it is stopped.
2. `guard.Guard` refuses foreign hosts and every method but GET and HEAD, and adds the security headers.
3. `addresses.preview` has the addresses; `view.View` reads the state of the page from its URL and writes links.
4. `page.Desk` draws pages and messages for views; `parts.Parts` takes a message apart as a mail program does,
   `schemes.shown_in` fixes its HTML to its light or its dark style.
5. `live.Live` watches the project's files and notifies open pages.
"""
