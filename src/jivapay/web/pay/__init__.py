"""The hosted payment page, `/pay/{token}` (issue 2, "The hosted page"; GTW-05, GTW-06).

Complete without a script: forms POST and are answered with 303, a page that waits reloads itself.
"""
