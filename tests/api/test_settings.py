"""Where vnctl finds webapi, and what its settings files may say."""

import pytest

from openvnet.cli.address import webapi_address
from openvnet.cli.settings import Settings, SettingsError, read_settings, settings


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "vnctl.conf"
        file.write_text(text)
        return file

    return write


ORIGINAL = """
# As the original's packages ship it.
webapi_protocol 'http'
webapi_uri      '192.168.100.2'   # the node of webapi
webapi_port     9091
webapi_version  '1.0'

output_format   'yml'
"""


def test_a_file_of_the_original_is_understood(written):
    expected = Settings("http://192.168.100.2:9091", "1.0", "yaml")
    assert read_settings(written(ORIGINAL)) == expected


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("output_format json", None),
        ("webapi_uri host", "http://host:9090"),
        ("webapi_uri host:91", "http://host:91"),
        ("webapi_uri '[::1]'", "http://[::1]:9090"),
        ("webapi_uri '[::1]:91'", "http://[::1]:91"),
        ("webapi_port 91", "http://127.0.0.1:91"),
        ("webapi_protocol https\nwebapi_uri host\nwebapi_port 443", "https://host:443"),
        ("webapi_uri http://host:91", "http://host:91"),
        ("webapi_uri unix:/run/w.sock", "unix:/run/w.sock"),
    ],
)
def test_the_address_that_a_file_says(text, address, written):
    assert read_settings(written(text)).address == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x 1\n", "line 1: 'x' is not a setting of vnctl; known are webapi_protocol"),
        ("\nwebapi_port\n", "line 2: webapi_port takes one value."),
        ("webapi_port 1 2", "line 1: webapi_port takes one value."),
        ("webapi_port many", "line 1: webapi_port 'many' must be a port number."),
        ("webapi_port 65536", "must be a port number."),
        ("webapi_protocol gopher", "must be http or https."),
        (
            "output_format xml",
            "output_format 'xml' must be one of table, wide, json, yaml, yml, name.",
        ),
        ("webapi_uri 'a", "line 1: No closing quotation"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, words, written):
    with pytest.raises(SettingsError) as caught:
        read_settings(written(text))
    assert str(caught.value).startswith(str(written(text)))
    assert words in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "vnctl.conf").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "vnctl.conf")


def test_the_first_file_that_exists_counts(written, tmp_path):
    assert settings((tmp_path / "none", written("webapi_port 91"))).address
    assert settings((tmp_path / "none",)) == Settings()


def test_the_environment_wins_over_the_file():
    said = Settings(address="http://file:1")
    assert webapi_address({"VNET_WEBAPI": "host:2"}, said) == "host:2"
    assert webapi_address({}, said) == "http://file:1"
