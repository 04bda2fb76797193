// Two links to one device: which one stays. Pure.
//
//   existing link      both ends weft, dialled by      both ends weft, dialled by    one end stock
//                      different sides                 the same side
//   younger than rule  the one that the lower ID       the existing one              the existing one
//                      dialled
//   older than rule    the new one                     the new one                   the new one
//
// Young: the two were dialled at the same moment; both ends apply the first cell and keep the same link, whatever
// order they see them in. Old: the other side would not dial again if it still had the old one, so that one is dead
// there. Against stock we follow stock 1.19's own rule, which knows no IDs; both ends may still choose differently,
// lose both, and dial again after a random wait.
#pragma once

#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::net {

struct DuplicateCase {
  base::Duration existing_age{};
  base::Duration replace_after{};
  bool existing_dialled_by_us = false;
  bool new_dialled_by_us = false;
  bool both_weft = false;
  bool our_id_is_lower = false;
};

[[nodiscard]] constexpr bool new_link_wins(const DuplicateCase& c) {
  if (c.existing_age >= c.replace_after) return true;
  if (!c.both_weft || c.existing_dialled_by_us == c.new_dialled_by_us) return false;
  return c.new_dialled_by_us == c.our_id_is_lower;
}

}  // namespace weft::net
