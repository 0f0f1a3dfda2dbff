"""A second verifier of akashi's zero-knowledge proofs, over Python integers.

It is written from proof/docs, the RFCs and the drafts named there, never from the Rust code, and
it must stay so: a mistake that both make is a mistake in the documents. See README.md.
"""
