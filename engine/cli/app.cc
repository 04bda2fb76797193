// The words of the command line and their help texts. Includes CLI11, which compiles slowly: in this file only.
#include "engine/cli/app.hh"

#include <CLI/CLI.hpp>
#include <ostream>

#include "engine/api/text.hh"
#include "engine/base/log.hh"
#include "engine/share/policy.hh"

namespace weft::cli {
namespace {

constexpr const char* kAbout =
    "weft keeps folders equal between machines and moves their data over every network port they have.\n"
    "It speaks Syncthing's protocol: the other side may be a weft or a Syncthing.";

constexpr const char* kLevelsLike = "debug, links=debug or warn,paths=trace";

constexpr const char* kFirstSteps =
    "First steps, on both machines:\n"
    "  weft init                                  make a home directory with an identity\n"
    "  weft id                                    print this device's ID; tell it to the other side\n"
    "  weft device add ID --name other --address tcp://192.0.2.7:22000\n"
    "  weft folder add docs ~/docs --device other\n"
    "  weft serve                                 run; stop with Ctrl-C\n"
    "  weft status                                in another terminal: what it does\n"
    "Network ports for the fast datapath are described in weft.toml in the home directory.\n"
    "Exit codes: 0 done, 1 could not, 2 wrong use or wrong configuration.";

struct Options {
  std::string home, log_level = "info", log_format = "text";
  InitOptions init;
  DeviceAddOptions device_add;
  FolderAddOptions folder_add;
  FolderShareOptions folder_share;
  StatusOptions status;
  PolicyOptions policy;
  LogLevelOptions log_level_of_daemon;
  PortAddOptions port_add;
  PortRemoveOptions port_remove;
  PathsOptions paths;
  MigrateOptions migrate;
  LabOptions lab;
  BenchOptions bench;
};

void add_home(CLI::App& command, Options& options) {
  command.add_option("--home", options.home,
                     "Directory with config.xml, cert.pem, key.pem and weft.toml "
                     "(default: " + default_home().string() + ")")
      ->type_name("DIR");
}

// "": they are right.
std::string wrong_levels(const std::string& words) {
  base::LogLevels levels{};
  return base::parse_log_levels(words, levels) ? "" : words + ": no such level or subsystem; write it as in " + kLevelsLike;
}

void add_log(CLI::App& command, Options& options) {
  command.add_option("--log-level", options.log_level,
                     "How much to log: trace, debug, info, warn or error; of one subsystem: links=debug "
                     "(daemon, links, paths, ports, folders, api). Several with commas between")
      ->type_name("LEVELS")
      ->check(wrong_levels);
  command.add_option("--log-format", options.log_format, "text (key=value) or json, one line per event")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
}

CLI::App* add_init(CLI::App& app, Options& options) {
  CLI::App* const init = app.add_subcommand("init", "Make a home directory: identity, config.xml, weft.toml");
  add_home(*init, options);
  init->add_option("--name", options.init.name, "What other devices call this one (default: the host's name)")
      ->type_name("NAME");
  init->add_option("--listen", options.init.listen,
                   "Where other devices connect to; may be given more than once (default: tcp://0.0.0.0:22000)")
      ->type_name("URL")
      ->allow_extra_args(false);
  init->add_option("--gui-address", options.init.gui_address,
                   "Where the REST API answers (default: 127.0.0.1:8384)")
      ->type_name("HOST:PORT");
  init->footer("Example:\n  weft init --home /srv/weft --name nas --listen tcp://0.0.0.0:22000");
  return init;
}

CLI::App* add_device_add(CLI::App& device, Options& options) {
  CLI::App* const add = device.add_subcommand("add", "Add a device to config.xml");
  add_home(*add, options);
  add->add_option("ID", options.device_add.id, "The other device's ID: `weft id` prints it there")->required();
  add->add_option("--name", options.device_add.name, "How to call it here")->type_name("NAME");
  add->add_option("--address", options.device_add.addresses,
                  "Where to connect to; may be given more than once. Without it, the other side must connect")
      ->type_name("URL")
      ->allow_extra_args(false);
  add->footer("Example:\n  weft device add P56IOI7-… --name nas --address tcp://192.0.2.7:22000");
  return add;
}

CLI::App* add_folder_add(CLI::App& folder, Options& options) {
  CLI::App* const add = folder.add_subcommand("add", "Add a folder to config.xml");
  add_home(*add, options);
  add->add_option("ID", options.folder_add.id, "Name of the folder, the same on all devices")->required();
  add->add_option("PATH", options.folder_add.path, "Where it is on this machine")->required();
  add->add_option("--label", options.folder_add.label, "What to show for it")->type_name("TEXT");
  add->add_option("--type", options.folder_add.type,
                  "sendreceive: both ways (default); sendonly: changes from here; receiveonly: changes from there")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"sendreceive", "sendonly", "receiveonly"}));
  add->add_option("--device", options.folder_add.devices,
                  "ID or name of a device to share it with; may be given more than once")
      ->type_name("DEVICE")
      ->allow_extra_args(false);
  add->footer("Example:\n  weft folder add docs ~/docs --device nas");
  return add;
}

CLI::App* add_folder_share(CLI::App& folder, Options& options) {
  CLI::App* const share = folder.add_subcommand("share", "Share a folder of config.xml with more devices");
  add_home(*share, options);
  share->add_option("ID", options.folder_share.id, "Name of the folder")->required();
  share->add_option("--device", options.folder_share.devices, "ID or name of a device; may be given more than once")
      ->type_name("DEVICE")
      ->required()
      ->allow_extra_args(false);
  return share;
}

CLI::App* add_policy(CLI::App& app, Options& options) {
  CLI::App* const policy =
      app.add_subcommand("policy", "Show or change how the running daemon chooses among paths");
  add_home(*policy, options);
  policy->add_option("NAME", options.policy.name, "The new one; without it, the present one is printed")
      ->check(CLI::IsMember(std::vector<std::string>(share::kPolicyNames.begin(), share::kPolicyNames.end())));
  policy->footer("Transfers go on. weft.toml is left as it is: the next start begins with what stands there.\n"
                 "Examples:\n  weft policy\n  weft policy ecf");
  return policy;
}

CLI::App* add_log_level(CLI::App& app, Options& options) {
  CLI::App* const log_level = app.add_subcommand("log-level", "Show or change how much the running daemon logs");
  add_home(*log_level, options);
  log_level->add_option("LEVELS", options.log_level_of_daemon.levels,
                        "Of all subsystems, or of one; without it, the present ones are printed")
      ->check(wrong_levels);
  log_level->footer("It lasts until the daemon ends; `weft serve --log-level` says how it begins.\n"
                    "Subsystems: daemon, links, paths, ports, folders, api. Levels: trace, debug, info, warn, error.\n"
                    "Examples:\n  weft log-level\n  weft log-level paths=debug\n  weft log-level warn,links=trace");
  return log_level;
}

CLI::App* add_port_add(CLI::App& port, Options& options) {
  CLI::App* const add = port.add_subcommand("add", "Open one more port, or try again one that could not be opened");
  PortAddOptions& to = options.port_add;
  add_home(*add, options);
  const auto list = [&](const char* option, std::vector<std::string>& values, const char* about) {
    add->add_option(option, values, about)->type_name("TEXT")->allow_extra_args(false);
  };
  add->add_option("NAME", to.name, "What to call it")->required();
  add->add_option("--device", to.device, "DPDK device, as in weft.toml; left out: one that could not be opened is tried again")
      ->type_name("DEVICE");
  list("--address", to.addresses, "Its own address with prefix length; may be given twice, IPv4 and IPv6");
  list("--gateway", to.gateways, "Router to other networks; may be given twice");
  add->add_option("--udp-port", to.udp_port, "Of data core 0")->type_name("NUMBER");
  add->add_option("--mtu", to.mtu, "Bytes of an IP packet")->type_name("NUMBER");
  add->add_option("--role", to.role, "primary or backup")->type_name("ROLE");
  add->add_option("--vlan", to.vlan, "The VLAN of the device that it is")->type_name("NUMBER");
  add->add_option("--exception", to.exception, "Interface by which the system uses the port too")->type_name("INTERFACE");
  list("--to", to.to, "Only with this port of the other device; may be given more than once");
  add->add_option("--weight", to.weight, "Its share under policy weighted")->type_name("NUMBER");
  add->add_option("--congestion", to.congestion, "cubic or bbr")->type_name("NAME");
  add->add_option("--rate-mbit", to.rate_mbit, "Send no faster than this")->type_name("NUMBER");
  add->footer("Transfers go on, and use it as soon as the other device answers. It lasts until weft ends.\n"
              "Examples:\n  weft port add east --device net_af_packet0,iface=eth1 --address 10.1.0.1/24\n"
              "  weft port add west                         its device was missing at the start");
  return add;
}

CLI::App* add_port_remove(CLI::App& port, Options& options) {
  CLI::App* const remove = port.add_subcommand("remove", "Close a port");
  add_home(*remove, options);
  remove->add_option("NAME", options.port_remove.name, "The port: `weft status` shows which there are")->required();
  remove->footer("Transfers go on by the other ports, or by the link. weft.toml is left as it is.");
  return remove;
}

CLI::App* add_paths(CLI::App& app, Options& options) {
  CLI::App* const paths = app.add_subcommand("paths", "Show the paths to other devices, or say which are to be used");
  PathsOptions& to = options.paths;
  add_home(*paths, options);
  paths->require_subcommand(0, 1);
  const auto verb = [&](const char* name, const char* about) {
    CLI::App* const word = paths->add_subcommand(name, about);
    add_home(*word, options);
    word->add_option("PATH", to.path, "PORT or PORT:REMOTE_PORT, as `weft paths` shows them")->required();
    word->add_option("--device", to.device, "ID of the device, where several have such a path")->type_name("ID");
    word->callback([&to, name] { to.verb = name; });
    return word;
  };
  verb("add", "Open a path that was closed");
  verb("probe", "Ask whether it answers, and print the round trip")
      ->add_option("--deadline-ms", to.deadline_ms, "Give up after this (default: 2000)")
      ->check(CLI::Range(1, 60'000))
      ->type_name("NUMBER");
  verb("switch", "Send everything by it; the others stand by");
  verb("close", "End it; it does not come back until it is added");
  paths->footer("Transfers go on, and both ends follow, whichever is asked. `weft migrate --auto` ends what switch began.\n"
                "Examples:\n  weft paths\n  weft paths switch left\n  weft paths probe left:east --deadline-ms 500");
  return paths;
}

CLI::App* add_migrate(CLI::App& app, Options& options) {
  CLI::App* const migrate = app.add_subcommand("migrate", "Move traffic from one path to another, or show what would be moved");
  MigrateOptions& to = options.migrate;
  add_home(*migrate, options);
  CLI::Option* const from = migrate->add_option("--from", to.from, "The path to leave")->type_name("PATH");
  CLI::Option* const target = migrate->add_option("--to", to.to, "The path to use instead")->type_name("PATH");
  from->needs(target);
  target->needs(from);
  migrate->add_option("--device", to.device, "ID of the device, where several have such paths")->type_name("ID");
  CLI::Option* const explain = migrate->add_flag("--explain", to.explain, "What would be done now and why; nothing is changed");
  CLI::Option* const automatic = migrate->add_flag("--auto", to.automatic, "What the operator chose counts no more");
  explain->excludes(from)->excludes(automatic);
  automatic->excludes(from);
  migrate->footer("Examples:\n  weft migrate --from left --to right\n  weft migrate --explain\n  weft migrate --auto");
  return migrate;
}

CLI::App* add_lab(CLI::App& app, LabOptions& options) {
  CLI::App* const lab =
      app.add_subcommand("lab", "Run scenarios of bad networks against real ports and judge the result");
  lab->add_option("SCENARIO", options.scenarios, "TOML files; bench/scenarios has some")->required()->type_name("FILE");
  lab->add_option("--ports", options.ports,
                  "A file that says on which ports the scenarios' links are")->type_name("FILE");
  lab->add_option("--seed", options.seed, "Instead of the scenarios' own: of files, loss and flaps")->type_name("N");
  lab->add_option("--junit", options.junit, "Write the verdicts there as JUnit XML")->type_name("FILE");
  lab->add_option("--json", options.json, "Write every figure there as JSON")->type_name("FILE");
  lab->add_option("--dir", options.directory,
                  "Where temporary files are made (default: $TMPDIR or /tmp)")->type_name("DIR");
  lab->add_option("--keep", options.keep, "Make homes, logs and files there and leave them")->type_name("DIR");
  lab->footer("Exit codes: 0 everything expected held, 1 it did not, 2 wrong use or a wrong file.\n"
              "Examples:\n  weft lab bench/scenarios/two_equal.toml\n"
              "  weft lab bench/scenarios/*.toml --junit lab.xml --ports my_cards.toml");
  return lab;
}

CLI::App* add_bench(CLI::App& app, Options& options) {
  BenchOptions& to = options.bench;
  CLI::App* const bench = app.add_subcommand("bench", "Measure how fast the datapath is, with made-up data");
  add_home(*bench, options);
  CLI::Option* const device = bench->add_option("DEVICE", to.device,
      "Name or ID of the device that gives the data, over the paths of the running daemon; without it, two wefts are started "
      "here for the occasion")->type_name("DEVICE");
  const CLI::IsMember places({"memory", "disk"});
  CLI::Option* const from = bench->add_option("--from", to.from, "Where the data comes from (default: memory)");
  from->check(places)->type_name("PLACE");
  CLI::Option* const where = bench->add_option("--to", to.to, "Where it goes (default: memory)");
  where->check(places)->type_name("PLACE");
  bench->add_flag("--verify", to.verify, "Hash what goes to memory, too; what goes to the disk always is");
  bench->add_option("--seconds", to.seconds, "After a second of warm-up (default: 10)")->check(CLI::Range(2, 3600));
  bench->add_option("--block", to.block_kib, "KiB, a power of two (default: 1024)")->check(CLI::Range(128, 16384));
  bench->add_option("--paths", to.paths, "Of shared memory, between the two (default: 2)")->check(CLI::Range(1, 8));
  bench->add_option("--mtu", to.mtu, "Of these paths (default: 1500)")->check(CLI::Range(1280, 9000));
  CLI::Option* const cores = bench->add_option("--cores", to.cores, "Data cores of each of the two (default: 1)");
  cores->check(CLI::Range(1, 16));
  CLI::Option* const raw =
      bench->add_flag("--raw", to.raw, "The floor instead: the same ports, packets sealed and opened, nothing else");
  CLI::Option* const one = bench->add_flag("--one-process", to.one_process,
                                           "Both ends in turn on one thread, packets handed over in memory: the engine alone");
  for (CLI::Option* const option : {device, from, where, cores, raw}) one->excludes(option);
  bench->add_option("--json", to.json, "Write every figure there as JSON; \"-\": to the terminal")->type_name("FILE");
  bench->add_option("--dir", to.directory, "Where homes, sockets and files are made (default: $TMPDIR or /tmp)")
      ->type_name("DIR");
  bench->footer("The other device allows it by bench = true under [lab] in its weft.toml.\n"
                "Examples:\n  weft bench\n  weft bench --paths 4 --mtu 9000 --json -\n  weft bench --raw\n"
                "  weft bench --one-process --verify\n  weft bench other --from disk --to disk --seconds 30");
  return bench;
}

void configure_logging(const Options& options) {
  base::LogLevels levels = base::all_at(base::LogLevel::kInfo);
  base::LogFormat format = base::LogFormat::kText;
  (void)base::parse_log_levels(options.log_level, levels);     // CLI11 has checked the words
  (void)base::parse_log_format(options.log_format, format);
  base::configure_log(levels, format);
}

// CLI11 answers --help and --version by an exception as well, with code 0.
int end_of_parse(const CLI::App& app, const CLI::ParseError& error, const Io& io) {
  if (error.get_exit_code() == 0) return app.exit(error, io.out, io.err);
  std::string sentence = error.what();
  for (char& c : sentence)
    if (c == '\n') c = ' ';
  return refuse(io, kWrong, sentence + " (`weft --help` shows the commands, `weft COMMAND --help` their options)");
}

}  // namespace

int run_app(int argc, const char* const* argv, const Io& io) {
  Options options;
  CLI::App app(kAbout, "weft");
  app.set_version_flag("--version", std::string("weft ") + api::version());
  app.require_subcommand(1);
  app.footer(kFirstSteps);
  CLI::App* const init = add_init(app, options);
  CLI::App* const id = app.add_subcommand("id", "Print this device's ID");
  add_home(*id, options);
  CLI::App* const serve = app.add_subcommand("serve", "Run: link to the other devices and keep the folders equal");
  add_home(*serve, options);
  add_log(*serve, options);
  serve->footer("Examples:\n  weft serve\n  weft serve --home /srv/weft --log-level debug --log-format json");
  CLI::App* const handover =
      app.add_subcommand("handover", "After an upgrade: let the running daemon go on as the program that is installed now");
  add_home(*handover, options);
  handover->footer("Peers see a pause of less than a second; transfers go on where they were. The process stays the same.");
  CLI::App* const status = app.add_subcommand("status", "Show what the running daemon of a home does");
  add_home(*status, options);
  status->add_flag("--json", options.status.json, "The answer of /rest/weft/status as it is");
  CLI::App* const policy = add_policy(app, options);
  CLI::App* const log_level = add_log_level(app, options);
  CLI::App* const port = app.add_subcommand("port", "Add ports to the running daemon, or remove them");
  port->require_subcommand(1);
  CLI::App* const port_add = add_port_add(*port, options);
  CLI::App* const port_remove = add_port_remove(*port, options);
  CLI::App* const paths = add_paths(app, options);
  CLI::App* const migrate = add_migrate(app, options);
  CLI::App* const lab = add_lab(app, options.lab);
  CLI::App* const bench = add_bench(app, options);
  CLI::App* const device = app.add_subcommand("device", "Add devices to the configuration");
  device->require_subcommand(1);
  CLI::App* const device_add = add_device_add(*device, options);
  CLI::App* const folder = app.add_subcommand("folder", "Add folders to the configuration");
  folder->require_subcommand(1);
  CLI::App* const folder_add = add_folder_add(*folder, options);
  CLI::App* const folder_share = add_folder_share(*folder, options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_of_parse(app, error, io);
  }
  const std::filesystem::path home = options.home.empty() ? default_home() : std::filesystem::path(options.home);
  configure_logging(options);
  options.init.home = options.device_add.home = options.folder_add.home = options.folder_share.home =
      options.status.home = options.policy.home = options.log_level_of_daemon.home = options.port_add.home =
          options.port_remove.home = options.paths.home = options.migrate.home = options.bench.home = home;
  if (init->parsed()) return init_command(options.init, io);
  if (id->parsed()) return id_command(home, io);
  if (serve->parsed()) return serve_command(home, io);
  if (handover->parsed()) return handover_command(home, io);
  if (status->parsed()) return status_command(options.status, io);
  if (policy->parsed()) return policy_command(options.policy, io);
  if (log_level->parsed()) return log_level_command(options.log_level_of_daemon, io);
  if (port_add->parsed()) return port_add_command(options.port_add, io);
  if (port_remove->parsed()) return port_remove_command(options.port_remove, io);
  if (paths->parsed()) return paths_command(options.paths, io);
  if (migrate->parsed()) return migrate_command(options.migrate, io);
  if (lab->parsed()) return lab_command(options.lab, io);
  if (bench->parsed()) return bench_command(options.bench, io);
  if (device_add->parsed()) return device_add_command(options.device_add, io);
  if (folder_add->parsed()) return folder_add_command(options.folder_add, io);
  if (folder_share->parsed()) return folder_share_command(options.folder_share, io);
  return kWrong;   // require_subcommand leaves nothing else
}

}  // namespace weft::cli
