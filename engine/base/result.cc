#include "engine/base/result.hh"

#include <cerrno>

namespace weft::base {

Errc errc_of_errno(int sys_errno) noexcept {
  switch (sys_errno) {
    case EINVAL: case ENAMETOOLONG: return Errc::kInvalidArgument;
    case ENOENT: case ENOTDIR: return Errc::kNotFound;
    case EEXIST: case ENOTEMPTY: return Errc::kExists;
    case EACCES: case EPERM: return Errc::kPermission;
    case ENOSPC: case EDQUOT: return Errc::kNoSpace;
    case EROFS: return Errc::kReadOnly;
    case EOPNOTSUPP: case ENOSYS: return Errc::kUnsupported;
    case EMFILE: case ENFILE: case ENOMEM: return Errc::kLimit;
    case ETIMEDOUT: return Errc::kTimeout;
    case EPIPE: case ECONNRESET: return Errc::kClosed;
    case EAGAIN: case EBUSY: return Errc::kUnavailable;
    default: return Errc::kIo;
  }
}

const char* name_of(Errc code) noexcept {
  switch (code) {
    case Errc::kInvalidArgument: return "invalid-argument";
    case Errc::kInvalidConfig: return "invalid-config";
    case Errc::kNotFound: return "not-found";
    case Errc::kExists: return "exists";
    case Errc::kPermission: return "permission";
    case Errc::kNoSpace: return "no-space";
    case Errc::kReadOnly: return "read-only";
    case Errc::kIo: return "io";
    case Errc::kCorrupt: return "corrupt";
    case Errc::kUnsupported: return "unsupported";
    case Errc::kLimit: return "limit";
    case Errc::kProtocol: return "protocol";
    case Errc::kCrypto: return "crypto";
    case Errc::kTimeout: return "timeout";
    case Errc::kClosed: return "closed";
    case Errc::kUnavailable: return "unavailable";
  }
  return "unknown";
}

}  // namespace weft::base
