"""What every kind of statement has; the kinds say more.

A statement is read, its points are decoded, its parameters are checked: only then is there
something that a proof can be about.
"""


class Statement:
    """A statement of one kind."""

    KIND = 0
    NAME = ""
    # One letter per element of a proof: P for a point, S for a scalar.
    layout = ""

    def check(self):
        """Raises StatementRefused for parameters out of their bounds."""

    def fits(self, context):
        """Raises Rejected where the statement has no place in the context."""
