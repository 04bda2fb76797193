// The weft.toml that `weft init` writes: every key with its default and its meaning.
#include "bep/model/weft_toml.hh"

namespace weft::model {

std::string_view weft_toml_example() noexcept {
  return R"(# weft.toml: what config.xml has no word for.
# Every line may be left out; these are the defaults.

[engine]
cores = 1               # data cores: one busy thread each
#cpus = [1]             # pin them, one CPU number per core
memory_mb = 128         # for DPDK
slots = 384             # buffers of 128 KiB per data core
aead = "auto"           # auto, ipsec-mb, openssl
#eal_args = []          # passed to DPDK as they are

[scheduler]
# rate, min-rtt, ecf, round-robin, weighted, health, redundant, active-backup; `weft policy NAME` changes it at run time
policy = "rate"

[disk]
direct = "auto"         # O_DIRECT: auto, always, never
depth = 32              # reads and writes in flight per data core
fsync = true

[health]
# what counts for a path's score, in any unit: round-trip time, its spread, loss, rate, falls; each against the path's own best
latency = 40
jitter = 20
loss = 20
goodput = 10
stability = 10
# keep-alive intervals between the steps 5, 15, 30, 60, 120 s (bounds: adaptiveKeepAlive… in config.xml)
smooth_keep_alive = false

[links]
# where connections that weft opens come from, in turn: addresses or interfaces, as in ["eth0", "10.2.0.1"]; empty: the
# system's choice
from = []
# by which of several connections to a device (numConnections in config.xml) a block is asked for:
# rate, round-robin, health, random, least-used
strategy = "rate"

[migrate]
# which ports' paths are used, and when that changes by itself (`weft migrate --explain` says it of now)
prefer = []             # names of ports or networks, best first, as in ["left", "10.2.0.0/24"]; the others after them
metered = "last"        # paths of metered ports: last (where no other works), never
leave_below = 30        # a path whose score stays below this is left; 0: none is
dwell_s = 5             # … for so long
better_by = 1.2         # with multipathEnabled = false: how much better another path must be

[lab]
# true allows POST /rest/weft/ports/NAME/impair: loss, delay and silence on purpose
impair = false
# true lets the devices that are configured here measure with made-up data (`weft bench NAME` at their end)
bench = false

# One [[port]] per network interface given to weft. Without any, files travel over the TLS link.
#[[port]]
#name = "left"
#device = "0000:01:00.0"        # a NIC bound to vfio-pci; or "net_af_packet0,iface=eth1"
#address = ["10.1.0.1/24"]      # one IPv4 and one IPv6 at most; not the kernel's own address
#gateway = ["10.1.0.254"]       # only if the other device is on another network
#udp_port = 22100               # core i uses udp_port + i
#mtu = 1500
#role = "primary"               # primary, backup
#vlan = 100                     # the port is this VLAN of the interface
#to = ["left"]                  # only with these ports of the other device; without: with all it can reach
#exception = "weft0"            # a TAP interface, made by weft, through which the system uses the port too
#weight = 10                    # 1 to 100: this port's share under policy = "weighted"
#congestion = "cubic"           # cubic, bbr: for paths that lose packets without being full
#cost = 0                       # the cheapest paths are used, the others stand by (else by [migrate] prefer)
#metered = false                # its paths come last, or never
#rate_mbit = 0                  # send no faster than this, all paths of the port together; 0: no ceiling

#[[port]]
#name = "right"
#device = "0000:01:00.1"
#address = ["10.2.0.1/24"]
)";
}

}  // namespace weft::model
