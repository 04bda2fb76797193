// SQLite wrapped: one connection, prepared statements, errors as base::Error. With index_sql.cc,
// the only files that show sqlite3.h to the rest of the index. Threads: one; the connection is
// opened without SQLite's own locks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "engine/base/bytes.hh"
#include "engine/base/result.hh"

namespace weft::model {

// kNoSpace, kReadOnly, kCorrupt, kUnavailable (locked by another process) or kIo, by SQLite's
// result code.
[[nodiscard]] base::Error error_of_sqlite(int code) noexcept;

class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Statement() { sqlite3_finalize(raw_); }

 private:
  friend class Database;
  friend class Query;
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}
  sqlite3_stmt* raw_ = nullptr;
};

class Database {
 public:
  [[nodiscard]] static base::Result<Database> open(const std::filesystem::path& file);
  // The SQL is ours: text that does not compile is a bug, unless the file is damaged.
  [[nodiscard]] base::Result<Statement> prepare(std::string_view sql);
  [[nodiscard]] base::Status execute(const char* sql);
  // The first column of the first row; no row means a damaged file.
  [[nodiscard]] base::Result<std::int64_t> number(const char* sql);
  [[nodiscard]] std::int64_t last_row_id() const { return sqlite3_last_insert_rowid(raw_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* raw) const { sqlite3_close(raw); }
  };
  explicit Database(sqlite3* raw) : raw_(raw) {}
  std::unique_ptr<sqlite3, Close> raw_;
};

// One run of a statement: bind in order, step through the rows, read columns by number. Resets at
// the end of its life. Bound text and bytes must live as long as the query.
class Query {
 public:
  explicit Query(Statement& statement) : raw_(statement.raw_) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() {
    sqlite3_reset(raw_);
    sqlite3_clear_bindings(raw_);
  }

  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);
  Query& bind(base::Bytes bytes);
  Query& bind_null() {
    ++bound_;
    return *this;
  }

  // True on a row. False at the end or on an error: see error().
  [[nodiscard]] bool step();
  // For statements without rows.
  [[nodiscard]] base::Status run();
  [[nodiscard]] bool failed() const { return code_ != SQLITE_OK; }
  [[nodiscard]] base::Error error() const { return error_of_sqlite(code_); }

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(raw_, column);
  }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(raw_, column) == SQLITE_NULL;
  }
  // Valid until the next step().
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] base::Bytes bytes(int column) const;

 private:
  sqlite3_stmt* raw_;
  int bound_ = 0;
  int code_ = SQLITE_OK;
};

}  // namespace weft::model
