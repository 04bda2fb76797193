// SHA-256 of bytes that are all there; OpenSSL behind one function. Pure.
#pragma once

#include "engine/base/bytes.hh"
#include "engine/base/types.hh"

namespace weft::proto {

[[nodiscard]] base::Sha256 sha256(base::Bytes bytes);

}  // namespace weft::proto
