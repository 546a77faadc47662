"""The third face: HTTP and the page. The only place that knows status codes.

`site.py` is what is served, `served_model.py` a range model with its cells, `arrays.py` values of cells as bytes;
`jobs.py` and `runner.py` long work in child processes (`work.py`); `routes/` one file a part of the API; `guard.py`
what keeps strangers out; `answers.py` the one table from error to status.
"""
