from openvnet.lab.environment import SEED, declarations


def test_the_seed_is_the_environment_of_the_guide():
    assert [
        (guest.name, guest.network, guest.ipv4_address, guest.port_name, guest.mac_address)
        for guest in SEED.guests
    ] == [
        ("vm1", "vnet1", "10.102.0.10", "if-x5vjmksl", "52:54:00:0d:84:8c"),
        ("vm2", "vnet2", "10.102.0.10", "if-sve1s6xp", "52:54:00:9a:cc:00"),
        ("vm3", "vnet1", "10.102.0.11", "if-bvixz40n", "52:54:00:0a:fb:78"),
        ("vm4", "vnet2", "10.102.0.11", "if-7st2alal", "52:54:00:e5:f9:fb"),
    ]


def test_what_is_referred_to_is_declared_first():
    declared = set()
    for words in declarations(SEED):
        options = dict(zip(words[2::2], words[3::2], strict=True))
        named = {
            value
            for option, value in options.items()
            if option.endswith("-uuid") and option != "--uuid"
        }
        assert named <= declared
        declared.add(options["--uuid"])
