"""What is written about the public names, all of it read off their descriptions.

Start with `descriptions`. `manual` writes the pages that `help()` shows (`manual.txt`, read by `texts`), `stubs` and
`module_stubs` the types for checkers, `catalogue` the page of operations: `python -m tapegrad manual`, `stubs`,
`operations`.
"""
