// Makes the index fit the configuration, once, before anything runs. Forgotten is
//   - every folder that is not configured any more: its entries would say later, when the id comes back with another
//     directory, that everything in it was deleted;
//   - every folder whose path changed, for the same reason. Its index begins anew with what stands at the new path.
//     Because the new directory may be one that is not mounted yet, its marker must be there already;
//   - what devices said of a folder that is not shared with them any more: their deletes would still be applied.
// Threads: control. Cost: O(entries forgotten).
#pragma once

#include "bep/model/config.hh"

namespace weft::model {

class IndexDb;

// Sets the refusal of a folder that must not run: its new path has no marker, or the index cannot be written.
void settle_index(Config& config, IndexDb& index);

}  // namespace weft::model
