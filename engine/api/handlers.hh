// Every handler of the API, by the file it stands in. Each looks at source or sink of the Context and answers at once.
// Shapes: Syncthing's REST API (1.19 and 2.x; fields of both where they agree); weft's own in README.md.
// Errors: plain text, 400 for a parameter or body, 404 for a folder or port that is not there, 403 where the operator
// has not allowed it, 409 where the daemon is in no state for it, 500 for what could not be carried out.
#pragma once

#include "engine/api/routes.hh"

namespace weft::api {

// json_system.cc
[[nodiscard]] Response get_ping(const Context& context, const Call& call);
[[nodiscard]] Response get_system_status(const Context& context, const Call& call);
[[nodiscard]] Response get_version(const Context& context, const Call& call);
[[nodiscard]] Response get_connections(const Context& context, const Call& call);
[[nodiscard]] Response get_health(const Context& context, const Call& call);
[[nodiscard]] Response post_shutdown(const Context& context, const Call& call);
[[nodiscard]] Response post_handover(const Context& context, const Call& call);

// json_folder.cc
[[nodiscard]] Response get_folder_status(const Context& context, const Call& call);
[[nodiscard]] Response get_completion(const Context& context, const Call& call);
[[nodiscard]] Response get_folder_errors(const Context& context, const Call& call);
[[nodiscard]] Response post_scan(const Context& context, const Call& call);

// json_weft.cc
[[nodiscard]] Response get_paths(const Context& context, const Call& call);
[[nodiscard]] Response get_weft_status(const Context& context, const Call& call);

// json_health.cc
[[nodiscard]] Response get_health_report(const Context& context, const Call& call);

// migration.cc
[[nodiscard]] Response get_migration(const Context& context, const Call& call);
[[nodiscard]] Response post_path_add(const Context& context, const Call& call);
[[nodiscard]] Response post_path_probe(const Context& context, const Call& call);
[[nodiscard]] Response post_path_switch(const Context& context, const Call& call);
[[nodiscard]] Response post_path_close(const Context& context, const Call& call);
[[nodiscard]] Response post_migrate(const Context& context, const Call& call);
[[nodiscard]] Response post_migrate_auto(const Context& context, const Call& call);

// events.cc
[[nodiscard]] Response get_events(const Context& context, const Call& call);

// scheduler.cc
[[nodiscard]] Response get_log_levels(const Context& context, const Call& call);
[[nodiscard]] Response post_log_levels(const Context& context, const Call& call);
[[nodiscard]] Response get_scheduler(const Context& context, const Call& call);
[[nodiscard]] Response put_scheduler(const Context& context, const Call& call);
// meter.cc
[[nodiscard]] Response get_meter(const Context& context, const Call& call);

// bench.cc
[[nodiscard]] Response get_bench(const Context& context, const Call& call);
[[nodiscard]] Response post_bench(const Context& context, const Call& call);
[[nodiscard]] Response delete_bench(const Context& context, const Call& call);

// ports.cc
[[nodiscard]] Response post_port(const Context& context, const Call& call);
[[nodiscard]] Response delete_port(const Context& context, const Call& call);

// impair.cc
[[nodiscard]] Response post_impair(const Context& context, const Call& call);

// metrics.cc
[[nodiscard]] Response get_metrics(const Context& context, const Call& call);

}  // namespace weft::api
