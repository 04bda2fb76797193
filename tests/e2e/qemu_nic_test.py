"""DPDK's real PCI drivers, in a small virtual machine (scripts/qemu_machine.py): two wefts, each with one emulated card that is bound
to vfio-pci behind an emulated IOMMU, joined by QEMU's hub. What runs inside is qemu_guest.py.

    weft "source" -- card 0000:00:10.0 === hub === card 0000:00:11.0 -- weft "target"       TLS link: loopback

Promises: the cards are bound and found, a file goes over them, a pulled cable is seen as the driver reports it, the path comes
back with the cable, and a card is removed and added again while both run. Says nothing about speed: the processor is emulated.
"""
import pathlib

import pytest

import qemu_machine
import weftlab

CARDS = {"net_e1000_em": "e1000", "net_virtio": "virtio-net-pci,iommu_platform=on,disable-legacy=on"}


@pytest.mark.parametrize("driver", CARDS)
def test_a_file_over_pci_cards(needs_machine, driver):
    program = qemu_machine.python_program(pathlib.Path(__file__).with_name("qemu_guest.py"), weftlab.weft_binary())
    with qemu_machine.Machine(program, CARDS[driver], limit_s=240) as machine:
        orders = {"guest: link down please": False, "guest: link up please": True}
        code, console = machine.run(lambda line: line in orders and machine.set_link(0, orders[line]))
    assert code == 0 and "guest: all well" in console, console[-4000:]
