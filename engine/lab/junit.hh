// The reports of a command as JUnit XML, the form that build servers read: a suite per scenario, a case per
// expectation. An expectation that did not hold is a failure, a run without figures an error. Pure.
// Source: the JUnit XSD that Jenkins and GitLab read (testsuites, testsuite, properties, testcase, failure, error).
#pragma once

#include <span>
#include <string>

#include "engine/lab/report.hh"

namespace weft::lab {

[[nodiscard]] std::string junit_xml(std::span<const Report> reports);

}  // namespace weft::lab
