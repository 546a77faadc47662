"""Reading a source that others published in its own layout; one file a collection.

A collection is a generator of observations over a layout (file lists, labels, its own split) and a photo
source for its files. CUB-200-2011 is here; iNaturalist 2021 and NABirds come next.
"""
