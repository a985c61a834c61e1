#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sipward::test {

// One line of tests/data/torture/expected.tsv, which is described beside it.
struct TortureRow {
  std::string file, strict, permissive, paranoid, rules, stream, unproven, proven, tcp, wanted, because;

  bool only_stream() const { return file.find("/tcp_") != std::string::npos; }
  bool refused() const { return strict.rfind("pass", 0) != 0 && strict.rfind("ignore", 0) != 0; }
};

inline const std::string kTortureFolder = std::string(SIPWARD_TEST_DIR) + "/data/torture/";

inline std::string read_torture(const std::string& name) {
  std::ifstream file(kTortureFolder + name, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<TortureRow> torture_rows() {
  std::istringstream table(read_torture("expected.tsv"));
  std::vector<TortureRow> all;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream cells(line);
    TortureRow row;
    for (std::string* cell : {&row.file, &row.strict, &row.permissive, &row.paranoid, &row.rules, &row.stream,
                              &row.unproven, &row.proven, &row.tcp, &row.wanted, &row.because}) {
      std::getline(cells, *cell, '\t');
    }
    all.push_back(row);
  }
  return all;
}

}  // namespace sipward::test
