"""What an interface answers by itself: DHCP and DNS."""

from typing import Annotated, ClassVar

import msgspec

from openvnet.model.belonging import DEFAULT_PROJECT, ProjectUuid
from openvnet.model.resource import Attribute, Resource
from openvnet.model.scalars import (
    DNS_NAME,
    IPV4,
    IPV4_ADDRESSES,
    PORT,
    SECONDS,
    TEXT,
    choice,
    reference,
    uuid,
)


class NetworkService(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="network_service",
    tag_field="kind",
):
    """A service that a simulated interface offers. (Not yet in the switches.)"""

    indexes: ClassVar = ("interface_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the service.", uuid("ns"))]
    mode: Annotated[
        str, Attribute("What it offers.", choice("dhcp", "dns", "router"), required=True)
    ]
    display_name: Annotated[str, Attribute("A name for people.", TEXT, update=True)] = ""
    interface_uuid: Annotated[
        str | None, Attribute("The interface.", reference("if"), update=True)
    ] = None
    incoming_port: Annotated[
        int | None, Attribute("Kept, and not used.", PORT, update=True, clears=True)
    ] = None
    outgoing_port: Annotated[
        int | None, Attribute("Kept, and not used.", PORT, update=True, clears=True)
    ] = None
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class DnsService(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="dns_service",
    tag_field="kind",
):
    """What a network service of mode dns knows, and whom it asks for the rest."""

    indexes: ClassVar = ("network_service_uuid", "project_uuid")

    uuid: Annotated[str, Attribute("Name of the DNS service.", uuid("dnss"))]
    network_service_uuid: Annotated[
        str, Attribute("The network service, of mode dns.", reference("ns"), required=True)
    ]
    public_dns: Annotated[
        str, Attribute("DNS servers to ask, with commas between them.", IPV4_ADDRESSES, update=True)
    ] = ""
    project_uuid: ProjectUuid = DEFAULT_PROJECT


class DnsRecord(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="dns_record",
    tag_field="kind",
):
    """The address of a name."""

    indexes: ClassVar = ("dns_service_uuid",)

    uuid: Annotated[str, Attribute("Name of the record.", uuid("dnsr"))]
    dns_service_uuid: Annotated[
        str, Attribute("The DNS service.", reference("dnss"), required=True)
    ]
    name: Annotated[str, Attribute("The domain name.", DNS_NAME, required=True)]
    ipv4_address: Annotated[int, Attribute("Its address.", IPV4, required=True)]
    ttl: Annotated[
        int | None, Attribute("Seconds for which others may keep it; 300 if not given.", SECONDS)
    ] = None


NETWORK_SERVICES = Resource(
    NetworkService, "network service", "network_services", "ns", owner="interface_uuid"
)
DNS_SERVICES = Resource(
    DnsService,
    "DNS service",
    "dns_services",
    "dnss",
    unique=(("network_service_uuid",),),
    owner="network_service_uuid",
)
DNS_RECORDS = Resource(DnsRecord, "DNS record", "dns_records", "dnsr", parent="dns_service_uuid")
