import pytest

from openvnet.host.redaction import (
    configuration_without_secrets,
    is_secret,
    values_of,
    without_secrets,
)

SECRET = "hunter2-and-more"


@pytest.mark.parametrize(
    "line",
    [
        f'password "{SECRET}"',
        f'  db_password   "{SECRET}" # the one of the staging system',
        f'db {{ adapter "mysql2" password "{SECRET}" user "root" }}',
        f"password {SECRET}",
        f'curve_secret_key "{SECRET}"',
        f'api-token = "{SECRET}"',
        f'"Token": "{SECRET}"',
        f'PASSWORD "a quote \\" and {SECRET}"',
        f'url "mysql://root:{SECRET}@db.example/vnet"',
    ],
)
def test_no_secret_of_a_configuration_file_is_kept(line):
    assert SECRET not in configuration_without_secrets(f"node {{\n{line}\n}}\n")


def test_what_is_no_secret_is_kept():
    text = 'node {\n  id "vna"\n  addr {\n    host "192.168.100.2"\n    port 9103\n  }\n}\n'
    assert configuration_without_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"connecting with password={SECRET}, then",
        f'{{"token": "{SECRET}", "a": 1}}',
        f"secret: '{SECRET}'",
        f"whoever reads vnt_{SECRET} is let in",
        f"sqlalchemy: mysql://root:{SECRET}@db.example/vnet refused",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\nand cut off",
    ],
)
def test_no_secret_of_a_log_is_kept(text):
    assert SECRET not in without_secrets(text)


def test_a_known_secret_is_left_out_wherever_it_stands():
    configuration = f'db {{\n  password "{SECRET}"\n}}\n'
    found = values_of([configuration], {"VNET_TOKEN": "another-secret", "HOME": "/root"})
    said = without_secrets(f"a log says {SECRET} and another-secret, at /root", found)
    assert said == "a log says (left out) and (left out), at /root"


def test_a_quoted_secret_is_known_as_it_is_meant():
    assert 'with " in it' in values_of(['password "with \\" in it"'], {})


@pytest.mark.parametrize("name", ["DB_PASSWORD", "token", "aws.secret.id", "SSH_KEY", "psk"])
def test_names_that_tell_of_a_secret(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["HOME", "VNET_WEBAPI", "PORT", "OVS_RUNDIR"])
def test_names_that_do_not(name):
    assert not is_secret(name)


def test_lines_about_flows_stay_as_they_are():
    flow = " cookie=0x1, table=3, n_packets=5, priority=10,in_port=vm1,ip actions=goto_table:4\n"
    assert without_secrets(flow) == flow
