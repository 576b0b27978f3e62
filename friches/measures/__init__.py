"""From checked layers to facts: one column of numbers or answers a fact, one row a parcel.

Each module reads one family of layers and returns a DataFrame indexed by parcel_id with a column
for every fact of friches/facts.toml it can settle. Where a layer is absent or says nothing of a
parcel the fact is missing, never zero.
"""
