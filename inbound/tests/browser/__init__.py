"""What operators do and see, in Debian's Chromium, at three widths, light and dark.

- `conftest`: `operator`, a browser in which a superuser is signed in
- `looking`: what every page must keep: nothing is cut, nothing scrolls sideways, and axe finds nothing serious
- `tasks`: what operators do most, each from the first click to what they wanted to see
- the modules here: signing in, the desk, and every list and page

The pictures go to `.screenshots`, which git ignores. Look at them after a change of a page.
"""
