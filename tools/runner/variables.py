"""The variable store of OVMF's settings file: which variables it holds, and a new one.

The file begins with a firmware volume (PI 1.7, volume 3, chapter 3.2) whose only content is the store, as EDK II lays
it out with authenticated variables: a head, then one record after the other, each at a multiple of four.
"""

import struct
import uuid

VOLUME_HEADER_LENGTH = 48          # offset of the field
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
STORE_HEAD = struct.Struct("<16sIBBHI")
RECORD = struct.Struct("<HBBIQ16sIII16s")
RECORD_START = 0x55AA
VALID = 0x3F
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
KEPT = 7                           # non-volatile, for boot services and at run time


class BadStore(Exception):
    """The file is no such store, or is damaged."""


def _bounds(data):
    head = struct.unpack_from("<H", data, VOLUME_HEADER_LENGTH)[0]
    guid, size, *_ = STORE_HEAD.unpack_from(data, head)
    if uuid.UUID(bytes_le=guid) != STORE or head + size > len(data):
        raise BadStore("no store of authenticated variables where one should begin")
    return head + STORE_HEAD.size, head + size


def _records(data):
    """(offset, end, record) of each record; the last end is where the free room begins."""
    at, end = _bounds(data)
    while at + RECORD.size <= end:
        record = RECORD.unpack_from(data, at)
        if record[0] != RECORD_START:
            break
        after = at + RECORD.size + record[7] + record[8]
        if after > end:
            raise BadStore(f"the record at {at:#x} leaves the store")
        yield at, (after + 3) & ~3, record
        at = (after + 3) & ~3


def read(path):
    """{(vendor, name): value} of all variables that are valid."""
    data = path.read_bytes()
    found = {}
    for at, _, record in _records(data):
        if record[1] == VALID:
            name_at = at + RECORD.size
            value_at = name_at + record[7]
            name = data[name_at:value_at].decode("utf-16-le").rstrip("\0")
            found[uuid.UUID(bytes_le=record[9]), name] = data[value_at:value_at + record[8]]
    return found


def add(path, vendor, name, value):
    """Appends a variable; there must be none of this name yet."""
    data = bytearray(path.read_bytes())
    at, limit = _bounds(data)
    for _, at, _ in _records(data):
        pass
    text = name.encode("utf-16-le") + b"\0\0"
    record = RECORD.pack(RECORD_START, VALID, 0, KEPT, 0, bytes(16), 0, len(text), len(value), vendor.bytes_le)
    record += text + value
    if at + len(record) > limit:
        raise BadStore("the store is full")
    data[at:at + len(record)] = record
    path.write_bytes(data)


def http_option(pci, mac, url):
    """A boot option that loads url over HTTP by the network card at PCI device number pci."""
    acpi = struct.pack("<BBHII", 2, 1, 12, 0x0A0341D0, 0)                # PciRoot(0)
    card = struct.pack("<BBHBB", 1, 1, 6, 0, pci)
    address = struct.pack("<BBH", 3, 11, 37) + mac.ljust(32, b"\0") + b"\1"
    ipv4 = struct.pack("<BBH", 3, 12, 27) + bytes(23)                    # an address by DHCP
    uri = struct.pack("<BBH", 3, 24, 4 + len(url)) + url.encode("ascii")
    path = acpi + card + address + ipv4 + uri + struct.pack("<BBH", 0x7F, 0xFF, 4)
    return struct.pack("<IH", 1, len(path)) + "HTTP".encode("utf-16-le") + b"\0\0" + path
