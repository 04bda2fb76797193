// HKDF-Expand with SHA-256 (RFC 5869 §2.3): from one uniform secret to as many keys as there are
// names for them. Extract is left out: the only secret here comes out of a TLS exporter and is a
// uniform key already (RFC 5869 §3.3).
// Threads: any. Uses OpenSSL and the heap: control only.
#pragma once

#include "engine/base/bytes.hh"

namespace weft::wire {

// Fills `out` (1 … 255 · 32 bytes). False when OpenSSL refuses; `out` is then not to be used.
[[nodiscard]] bool hkdf_expand(base::Bytes secret, base::Bytes info,
                               base::MutableBytes out) noexcept;

}  // namespace weft::wire
