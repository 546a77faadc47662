"""Reading what others published in a layout of its own; one file a collection.

Each is opened from a folder as a `Collection`: a generator of observations over the layout (file lists, labels, its
own split), a source of its photos, and where it has them its taxonomy, its chips and what the whole of it holds.
"""
