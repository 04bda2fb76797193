"""Runs inside the machine of qemu_nic_test.py, as root: two wefts whose ports are the two cards, bound to vfio-pci. Says
"link down please" and "link up please" to whoever reads the console, and ends with 0 when all was as promised."""
import os
import pathlib
import sys

CARDS = ("0000:00:10.0", "0000:00:11.0")
DEVICES = pathlib.Path("/sys/bus/pci/devices")


def bind(card):
    (DEVICES / card / "driver_override").write_text("vfio-pci")
    if (DEVICES / card / "driver").exists():
        (DEVICES / card / "driver" / "unbind").write_text(card)
    pathlib.Path("/sys/bus/pci/drivers_probe").write_text(card)
    driver = os.readlink(DEVICES / card / "driver")
    assert driver.endswith("/vfio-pci"), f"{card} is bound to {driver}"


def say(text):
    print(f"guest: {text}", flush=True)


def port(daemon):
    (only,) = daemon.weft_status()["ports"]
    return only


def main():
    sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "scripts")]
    os.environ["WEFT_PATIENCE"] = "6"                    # an emulated processor
    import homes
    import trees
    import weftlab
    for card in CARDS:
        bind(card)
    with weftlab.Lab() as lab:
        source, target = lab.weft("source"), lab.weft("target")
        folder, _ = weftlab.join(source, target)
        for number, daemon in enumerate((source, target)):
            daemon.set_ports([homes.Port("card", CARDS[number], f"10.1.0.{number + 1}/24")])
        for daemon in (source, target):
            daemon.start()
        both = [source, target]

        def states():
            return {path["state"] for daemon in both for path in daemon.paths()}

        weftlab.wait_until(lambda: states() == {"active"}, 30, "the path is active", alive=both)
        say(f"port {port(source)}")
        trees.make_large(folder / "first", 6 * trees.MIB, "qemu")
        source.scan("lab")
        weftlab.wait_same(source, target, deadline_s=60)
        carried = sum(path["chunk_bytes_in"] for path in target.paths())
        assert carried == 6 * trees.MIB, f"{carried} bytes came by the cards"
        say("link down please")
        weftlab.wait_until(lambda: not port(source)["link_up"] and "active" not in states(), 30, "the link is seen to be down",
                           alive=both)
        say("link up please")
        weftlab.wait_until(lambda: port(source)["link_up"] and states() == {"active"}, 60, "the path is back", alive=both)
        trees.make_large(folder / "second", 2 * trees.MIB, "qemu 2")
        source.scan("lab")
        weftlab.wait_same(source, target, deadline_s=60)
        assert sum(path["chunk_bytes_in"] for path in target.paths()) == 8 * trees.MIB
        # A card is given back and taken up again while both run.
        source.rest.call("DELETE", "/rest/weft/ports/card")
        weftlab.wait_until(lambda: not source.weft_status()["ports"] and not states(), 30, "the card is given back", alive=both)
        source.rest.post("/rest/weft/ports", {"name": "again", "device": CARDS[0], "address": "10.1.0.1/24"})
        weftlab.wait_until(lambda: states() == {"active"}, 60, "the path is there again", alive=both)
        trees.make_large(folder / "third", 2 * trees.MIB, "qemu 3")
        source.scan("lab")
        weftlab.wait_same(source, target, deadline_s=60)
        assert sum(path["chunk_bytes_in"] for path in target.paths()) == 2 * trees.MIB
    say("all well")


main()
