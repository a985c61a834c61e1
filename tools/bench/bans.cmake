# bench_bans: memory of the list of bans and of the workers' views, and the time of a look-up.
add_executable(bench_bans ${CMAKE_CURRENT_LIST_DIR}/bans.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban_hash.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban_index.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban_order.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban_store.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban_table.cpp
  ${PROJECT_SOURCE_DIR}/modules/guardian/ban_view.cpp)
target_link_libraries(bench_bans PRIVATE sipward::sdk)
target_include_directories(bench_bans PRIVATE ${PROJECT_SOURCE_DIR}/modules/guardian)
sipward_warnings(bench_bans)
