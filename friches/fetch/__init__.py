"""Bring the layers of a territory from the public services, and say what could not be got.

`friches.fetch.fetching.fetch` is the whole path; the command line calls it (`friches fetch`).
"""
