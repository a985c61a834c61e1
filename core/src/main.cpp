#include "cli/commands.hpp"

int main(int argc, char** argv) {
  return sipward::cli::run_command({argv + 1, argv + argc});
}
