"""A port that cannot be used: the daemon says why and how to mend it, and the other ports go on. No root is needed.

    weft "source" ==== left, memif ==== weft "target"
          broken: an interface, or a card, that is not there
"""
import pytest

import homes
import trees
import weftlab

MIB = trees.MIB


@pytest.mark.parametrize("device,words", [
    ("net_af_packet9,iface=nosuchiface0", "there is no interface 'nosuchiface0'"),
    ("0000:fe:1f.7", "there is no PCI device '0000:fe:1f.7'"),
    ("net_nosuchdriver0", "check the driver's name"),
], ids=["interface", "card", "driver"])
def test_the_other_ports_go_on(lab, device, words):
    source, target = lab.weft("source"), lab.weft("target")
    folder, _ = weftlab.join(source, target)
    weftlab.add_memif_paths(target, source, names=("left",))
    # First in the file: the numbers of the ports that work do not depend on it.
    source.set_ports([homes.Port("broken", device, "10.8.0.1/24"),
                      homes.Port("left", f"net_memif0,role=client,id=0,socket={source.directory.parent / 'left'}.sock",
                                 "10.1.0.2/24")])
    source.start()
    target.start()
    weftlab.wait_until(lambda: [path["state"] for path in source.paths()] == ["active"], 30, "the path is active",
                       alive=[source, target])
    trees.make_large(folder / "file", 20 * MIB, 1)
    source.scan("lab")
    weftlab.wait_same(source, target)
    assert target.totals()["bytes_via_paths"] >= 20 * MIB

    ports = {port["name"]: port for port in source.weft_status()["ports"]}
    assert ports["left"]["error"] is None and ports["left"]["link_up"]
    assert words in ports["broken"]["error"] and not ports["broken"]["link_up"]
    said = source.run(weftlab.weft_binary(), "status", "--home", source.home).stdout
    assert words in said
    assert words in source.log_text()
    with pytest.raises(weftlab.RestError) as refused:
        source.impair("broken", blackhole=True)
    assert refused.value.status == 409 and "not open" in str(refused.value)
