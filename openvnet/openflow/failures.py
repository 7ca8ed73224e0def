"""The switch's error messages, in words.

The names are those by which Open vSwitch prints errors, in the order of
their codes; a test holds each against `ovs-ofctl`. The words are made of the names.
"""

import struct
from collections.abc import Mapping, Sequence

from openvnet.openflow.encoding import NICIRA
from openvnet.openflow.errors import MalformedMessage, Refusal
from openvnet.openflow.messages import ONF

_EXPERIMENTER = 0xFFFF

_KINDS: tuple[tuple[str, str, str], ...] = (
    ("OFPHFC", "hello failed", "INCOMPATIBLE EPERM"),
    (
        "OFPBRC",
        "bad request",
        "BAD_VERSION BAD_TYPE BAD_STAT BAD_VENDOR BAD_SUBTYPE EPERM BAD_LEN BUFFER_EMPTY"
        " BUFFER_UNKNOWN BAD_TABLE_ID IS_SECONDARY BAD_PORT BAD_PACKET MULTIPART_BUFFER_OVERFLOW",
    ),
    (
        "OFPBAC",
        "bad action",
        "BAD_TYPE BAD_LEN BAD_VENDOR BAD_VENDOR_TYPE BAD_OUT_PORT BAD_ARGUMENT EPERM TOO_MANY"
        " BAD_QUEUE BAD_OUT_GROUP MATCH_INCONSISTENT UNSUPPORTED_ORDER BAD_TAG BAD_SET_TYPE"
        " BAD_SET_LEN BAD_SET_ARGUMENT",
    ),
    (
        "OFPBIC",
        "bad instruction",
        "UNKNOWN_INST UNSUP_INST BAD_TABLE_ID UNSUP_METADATA UNSUP_METADATA_MASK BAD_EXPERIMENTER"
        " BAD_EXP_TYPE BAD_LEN EPERM",
    ),
    (
        "OFPBMC",
        "bad match",
        "BAD_TYPE BAD_LEN BAD_TAG BAD_DL_ADDR_MASK BAD_NW_ADDR_MASK BAD_WILDCARDS BAD_FIELD"
        " BAD_VALUE BAD_MASK BAD_PREREQ DUP_FIELD EPERM",
    ),
    (
        "OFPFMFC",
        "flow not changed",
        "UNKNOWN TABLE_FULL BAD_TABLE_ID OVERLAP EPERM BAD_TIMEOUT BAD_COMMAND BAD_FLAGS",
    ),
)

_NICIRA_NAMES = (
    "NXBRC_NXM_INVALID NXBRC_NXM_BAD_TYPE NXBRC_MUST_BE_ZERO NXBRC_BAD_REASON"
    " OFPMOFC_MONITOR_EXISTS OFPMOFC_BAD_FLAGS OFPMOFC_UNKNOWN_MONITOR NXBRC_FM_BAD_EVENT"
    " NXBRC_UNENCODABLE_ERROR NXBAC_MUST_BE_ZERO NXFMFC_HARDWARE NXFMFC_BAD_TABLE_ID"
)
_BUNDLE_NAMES = (
    "OFPBFC_UNKNOWN OFPBFC_EPERM OFPBFC_BAD_ID OFPBFC_BUNDLE_EXIST OFPBFC_BUNDLE_CLOSED"
    " OFPBFC_OUT_OF_BUNDLES OFPBFC_BAD_TYPE OFPBFC_BAD_FLAGS OFPBFC_MSG_BAD_LEN OFPBFC_MSG_BAD_XID"
    " OFPBFC_MSG_UNSUP OFPBFC_MSG_CONFLICT OFPBFC_MSG_TOO_MANY OFPBFC_MSG_FAILED OFPBFC_TIMEOUT"
    " OFPBFC_BUNDLE_IN_PROGRESS"
)
_EXPERIMENTERS: Mapping[int, tuple[int, Sequence[str]]] = {
    NICIRA: (2, _NICIRA_NAMES.split()),
    ONF: (2300, _BUNDLE_NAMES.split()),
}
"""The first code and the names from it on, by experimenter."""


def read_error(body: bytes) -> Refusal:
    """What an error message means (OpenFlow 1.3.5, 7.4.4)."""
    if len(body) < 4:
        raise MalformedMessage(f"an error message of {len(body)} octets")
    kind, code = struct.unpack_from("!HH", body)
    if kind == _EXPERIMENTER and len(body) >= 8:
        return Refusal(_experimenter_words(int.from_bytes(body[4:8], "big"), code))
    return Refusal(_standard_words(kind, code))


def _standard_words(kind: int, code: int) -> str:
    if kind < len(_KINDS):
        prefix, what, names = _KINDS[kind]
        for name in names.split()[code : code + 1]:
            return f"{what}: {_words(name)} ({prefix}_{name})"
    return f"error {code} of type {kind}"


def _experimenter_words(experimenter: int, code: int) -> str:
    first, names = _EXPERIMENTERS.get(experimenter, (0, ()))
    if 0 <= code - first < len(names):
        name = names[code - first]
        return f"{_words(name.split('_', 1)[1])} ({name})"
    return f"error {code} of experimenter {experimenter:#010x}"


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
