"""What a handler raises where a ranker elsewhere is to answer; to hand it on is `elsewhere.py`."""


class ForwardError(Exception):
    """A handler raises it where a ranker elsewhere is to answer. `held`: one of them alone can, the one that
    made a slate; each that does not know it is passed over.
    """

    def __init__(self, held: bool = False) -> None:
        super().__init__("a ranker elsewhere is to answer")
        self.held = held
