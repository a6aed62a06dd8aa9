"""The pages, a room for each kind of visitor: `preview` for the editor. They ask `app` for everything and decide
nothing."""
