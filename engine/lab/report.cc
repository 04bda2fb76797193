#include "engine/lab/report.hh"

#include <algorithm>

namespace weft::lab {

bool RunReport::held() const { return error.empty() && std::ranges::all_of(verdicts, &Verdict::held); }

bool Report::held() const {
  return error.empty() && !interrupted && !runs.empty() && std::ranges::all_of(runs, &RunReport::held);
}

}  // namespace weft::lab
