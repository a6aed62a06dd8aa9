"""The editor's preview, on this machine alone.

1. `server.Server` listens on this machine alone and stops when told to.
2. `guard.Guard` refuses foreign hosts and every method but GET and HEAD, and puts the security headers on.
3. `addresses.preview` has the addresses; `view.View` reads the state of the page from its URL and writes links.
4. `page.Desk` draws pages and messages for views; `parts.Parts` takes a message apart as a mail program does,
   `schemes.shown_in` fixes its HTML to the light or the dark of its style.
5. `live.Live` watches the project's files and tells open pages.
"""
