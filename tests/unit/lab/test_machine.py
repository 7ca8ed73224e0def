import pytest

from openvnet.lab.machine import refusal

DENIED = "unshare: unshare failed: Operation not permitted"


def said(tmp_path, *, root=False, why=DENIED, **settings):
    for name, number in settings.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n")
    return "\n".join(refusal(why, root=root, settings=tmp_path))


@pytest.mark.parametrize(
    ("setting", "found", "remedy"),
    [
        ("user__max_user_namespaces", 0, "user.max_user_namespaces=10000"),
        ("user__max_net_namespaces", 3, "user.max_net_namespaces=10000"),
        ("kernel__unprivileged_userns_clone", 0, "kernel.unprivileged_userns_clone=1"),
        (
            "kernel__apparmor_restrict_unprivileged_userns",
            1,
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_a_lab_is_named_with_its_remedy(tmp_path, setting, found, remedy):
    words = said(tmp_path, **{setting: found})

    assert DENIED in words
    assert f"{setting.replace('__', '.')} is {found}" in words
    assert f"`sudo sysctl {remedy}`" in words
    assert "`sudo make lab`" in words


def test_settings_that_allow_a_lab_are_not_blamed(tmp_path):
    words = said(
        tmp_path,
        user__max_user_namespaces=96365,
        kernel__unprivileged_userns_clone=1,
        kernel__apparmor_restrict_unprivileged_userns=0,
    )

    assert "sysctl" not in words
    assert "If this is a container" in words


def test_what_only_plain_users_are_denied_is_not_said_to_root(tmp_path):
    words = said(tmp_path, root=True, kernel__unprivileged_userns_clone=0)

    assert "CAP_SYS_ADMIN" in words
    assert "unprivileged_userns_clone" not in words
    assert "sudo make" not in words


def test_a_proc_that_a_container_covers_is_named(tmp_path):
    words = said(tmp_path, why="unshare: mount /proc failed: Operation not permitted")

    assert "Parts of /proc are covered" in words
