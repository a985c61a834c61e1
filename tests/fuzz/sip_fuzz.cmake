# One libFuzzer target a parser of the SIP layer; the torture messages are their corpus.
# Run: build/fuzz/tests/sip_message_fuzz -max_total_time=60 CORPUS tests/data/torture tests/data/torture/extra
foreach(target IN ITEMS sip_message_fuzz sip_framer_fuzz sip_uri_fuzz)
  add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/${target}.cpp)
  target_link_libraries(${target} PRIVATE sipward::sdk)
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  sipward_warnings(${target})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endforeach()
