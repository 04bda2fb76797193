#include "bep/model/index_sql.hh"

#include "engine/base/must.hh"

namespace weft::model {

using base::Errc;

base::Error error_of_sqlite(int code) noexcept {
  switch (code & 0xFF) {
    case SQLITE_FULL: return {Errc::kNoSpace, 0, "index database: disk full"};
    case SQLITE_READONLY: return {Errc::kReadOnly, 0, "index database: file or disk is read-only"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::kCorrupt, 0, "index database: damaged, delete the file to rebuild it"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {Errc::kUnavailable, 0, "index database: in use by another process"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return {Errc::kPermission, 0, "index database: cannot be opened"};
    default: return {Errc::kIo, 0, "index database: read or write failed"};
  }
}

base::Result<Database> Database::open(const std::filesystem::path& file) {
  sqlite3* raw = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(file.c_str(), &raw, kFlags, nullptr);
  Database database(raw);  // to be closed also when opening failed
  if (code != SQLITE_OK) return tl::unexpected(error_of_sqlite(code));
  return database;
}

base::Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(raw_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(error_of_sqlite(code));
  return Statement(raw);
}

base::Status Database::execute(const char* sql) {
  const int code = sqlite3_exec(raw_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(error_of_sqlite(code));
  return {};
}

base::Result<std::int64_t> Database::number(const char* sql) {
  Statement statement = TRY(prepare(sql));
  Query query(statement);
  if (query.step()) return query.integer(0);
  return tl::unexpected(query.failed() ? query.error() : error_of_sqlite(SQLITE_CORRUPT));
}

Query& Query::bind(std::int64_t value) {
  MUST(sqlite3_bind_int64(raw_, ++bound_, value) == SQLITE_OK);
  return *this;
}

Query& Query::bind(std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* at = text.empty() ? "" : text.data();
  MUST(sqlite3_bind_text64(raw_, ++bound_, at, text.size(), SQLITE_STATIC, SQLITE_UTF8) ==
       SQLITE_OK);
  return *this;
}

Query& Query::bind(base::Bytes bytes) {
  if (bytes.empty()) MUST(sqlite3_bind_zeroblob(raw_, ++bound_, 0) == SQLITE_OK);
  else
    MUST(sqlite3_bind_blob64(raw_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC) ==
         SQLITE_OK);
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(raw_);
  if (code == SQLITE_ROW) return true;
  code_ = code == SQLITE_DONE ? SQLITE_OK : code;
  return false;
}

base::Status Query::run() {
  const bool row = step();
  MUST(!row);
  if (failed()) return tl::unexpected(error());
  return {};
}

std::string_view Query::text(int column) const {
  const auto* at =
      sqlite3_column_blob(raw_, column);  // text as its bytes: no conversion, embedded NUL safe
  const int size = sqlite3_column_bytes(raw_, column);
  return at == nullptr
             ? std::string_view{}
             : std::string_view(static_cast<const char*>(at), static_cast<std::size_t>(size));
}

base::Bytes Query::bytes(int column) const {
  const auto* at = sqlite3_column_blob(raw_, column);
  const int size = sqlite3_column_bytes(raw_, column);
  return at == nullptr
             ? base::Bytes{}
             : base::Bytes(static_cast<const std::byte*>(at), static_cast<std::size_t>(size));
}

}  // namespace weft::model
