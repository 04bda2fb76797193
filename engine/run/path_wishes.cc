#include "engine/run/path_wishes.hh"

#include <vector>

#include "engine/run/sessions.hh"

namespace weft::run {

namespace {

bool is_called(const PathShown& path, const std::string& name) {
  return name == path.local_name || name == path.local_name + ":" + path.remote_name ||
         name == std::to_string(base::to_index(path.id));
}

}  // namespace

SessionWishes::Found SessionWishes::find(const PathName& name) const {
  if (sessions_ == nullptr) return {.error = PathError::kNotEnabled};
  Found found{.error = PathError::kUnknownPath};
  const std::vector<WeftSession*> sessions = sessions_->active_sessions(name.device);
  if (sessions.empty()) return {.error = PathError::kNotSupported};
  for (WeftSession* const session : sessions)
    for (const PathShown& path : session->paths()) {
      if (!is_called(path, name.path)) continue;
      if (found.session != nullptr) return {.error = PathError::kAmbiguous};
      found = {.session = session, .path = path.id};
    }
  return found;
}

PathWishes::PathError SessionWishes::switch_to(const PathName& path) {
  const Found found = find(path);
  return found.session == nullptr ? found.error : found.session->switch_to(found.path);
}

PathWishes::PathError SessionWishes::move(const PathName& from, const PathName& to) {
  const Found source = find(from), target = find(to);
  if (source.session == nullptr) return source.error;
  if (target.session == nullptr) return target.error;
  if (source.session != target.session) return PathError::kAmbiguous;
  return source.session->move(source.path, target.path);
}

PathWishes::PathError SessionWishes::close(const PathName& path) {
  const Found found = find(path);
  return found.session == nullptr ? found.error : found.session->close_path(found.path);
}

PathWishes::PathError SessionWishes::open(const PathName& path) {
  if (sessions_ == nullptr) return PathError::kNotEnabled;
  const std::vector<WeftSession*> sessions = sessions_->active_sessions(path.device);
  if (sessions.empty()) return PathError::kNotSupported;
  const std::size_t colon = path.path.find(':');
  if (colon == std::string::npos) {
    const PathError found = find(path).error;
    return found == PathError::kNone || found == PathError::kAmbiguous ? PathError::kPathExists : PathError::kUnknownPath;
  }
  PathError last = PathError::kUnknownPath;
  for (WeftSession* const session : sessions) {
    last = session->open_path(path.path.substr(0, colon), path.path.substr(colon + 1));
    if (last != PathError::kUnknownPath) return last;
  }
  return last;
}

PathWishes::PathError SessionWishes::unpin(const std::optional<base::DeviceId>& device) {
  if (sessions_ == nullptr) return PathError::kNotEnabled;
  const std::vector<WeftSession*> sessions = sessions_->active_sessions(device);
  if (sessions.empty()) return PathError::kNotSupported;
  PathError result = PathError::kNothingToDo;
  for (WeftSession* const session : sessions)
    if (const PathError error = session->unpin(); error != PathError::kNothingToDo) result = error;
  return result;
}

void SessionWishes::probe(const PathName& path, base::Duration deadline, Probed done) {
  const Found found = find(path);
  if (found.session == nullptr) return done(found.error, {});
  found.session->probe_path(found.path, deadline, std::move(done));
}

}  // namespace weft::run
