"""The one tree of exceptions. Each says what was expected, what came, and what to do.

HeadraceError
├── SettingsError            a setting is missing, unknown or out of range
├── ExperimentError          what is asked of an experiment can't be done in the state that it is in
├── RequestError             a ranking was asked for with a value that can't be
├── RankerError
│   ├── RankerBusyError          more waits for a ranker than it may keep waiting
│   ├── RankerLateError          a ranking did not come in time
│   └── RankerUnreadyError       a ranker has not read what it ranks by
├── EventError               an event that can't be read or applied (has a `reason` code)
├── DataError                a file or a row that can't be read
│   └── NoRowsError          a file that has columns and no rows
├── StoreError
│   ├── StoreUnavailableError    the store did not answer in time; try again
│   ├── FencedError              another worker has written past us; drop the batch
│   ├── LedgerGapError           what a follower has yet to read was dropped; load the snapshot
│   ├── NewerVersionError        a newer build wrote it; upgrade this one
│   ├── CursorError              a list was asked for from a place that no page of it named
│   ├── ProgressError            the store has applied more of a topic than the topic holds
│   └── StoreUnfitError          the store's own settings would lose what is kept in it
├── BrokerUnavailableError   Kafka did not answer in time; try again
├── PartEndedError           a thread or a task that a worker can't do without has ended
├── ModelError
│   ├── ManifestError        a model folder is incomplete, changed or of another schema
│   ├── ParityError          an exported model does not agree with its checkpoint
│   ├── UnknownNetworkError  a network has something that compiled code does not do
│   └── ProviderError        the execution provider asked for is not there
└── LocalStackError          a local Kafka or Valkey could not be started
"""


class HeadraceError(Exception):
    """Root of everything Headrace raises on purpose."""


class SettingsError(HeadraceError):
    """A setting is missing, unknown or out of range."""


class ExperimentError(HeadraceError):
    """What is asked of an experiment can't be done in the state that it is in. `reason` is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RequestError(HeadraceError):
    """A ranking was asked for with a value that can't be."""


class RankerError(HeadraceError):
    """What was asked of a ranker was not done; the same may be asked again."""


class RankerBusyError(RankerError):
    """More waits for the ranker than it may keep waiting."""


class RankerLateError(RankerError):
    """The ranking did not come within the time that it had."""


class RankerUnreadyError(RankerError):
    """The ranker has not read what it ranks by yet, or can't go by it any more."""


class EventError(HeadraceError):
    """An event that can't be read or applied.

    `reason` is a short code (snake_case) that is safe as a metric label and is written beside the
    dead letter; the message says more.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LetterError(HeadraceError):
    """A dead letter can't be sent back. `reason` is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DataError(HeadraceError):
    """A dataset file, or a row of it, that can't be read."""


class NoRowsError(DataError):
    """A file that has columns and no rows."""


class StoreError(HeadraceError):
    """The store refused or failed."""


class StoreUnavailableError(StoreError):
    """The store did not answer in time; the same call may succeed later."""


class FencedError(StoreError):
    """Another worker has already written past this batch; it must be dropped, not retried as it is."""


class LedgerGapError(StoreError):
    """The ledger no longer holds what a follower has yet to read; it must start again from the snapshot."""


class NewerVersionError(StoreError):
    """A newer build wrote what is stored; this build can't go on with it and must be upgraded."""


class CursorError(StoreError):
    """A list was asked for from a place that no page of it named."""


class ProgressError(StoreError):
    """The store has applied offsets that the topic does not hold: the two do not belong together."""


class StoreUnfitError(StoreError):
    """The store's own settings would lose what is kept in it, or its keys are laid out in another way."""


class BrokerUnavailableError(HeadraceError):
    """Kafka did not answer in time; the same call may succeed later."""


class UndecodableError(HeadraceError):
    """A partition can't be read on: it can't be told where a broken batch ends."""


class PartEndedError(HeadraceError):
    """A thread or a task that a worker can't do without has ended by itself."""


class ModelError(HeadraceError):
    """A model can't be loaded, exported or run."""


class ManifestError(ModelError):
    """A model folder is incomplete, was changed, or has another schema."""


class ParityError(ModelError):
    """An exported model does not agree closely enough with its checkpoint."""


class UnknownNetworkError(ModelError):
    """A network has something that compiled code does not do; onnxruntime runs it."""


class ProviderError(ModelError):
    """The execution provider that was asked for is not there."""


class LocalStackError(HeadraceError):
    """A local Kafka or Valkey could not be started or stopped."""
