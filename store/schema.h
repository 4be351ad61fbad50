// The store's tables, as numbered migrations. Documented in imgbatch(5).
#pragma once

#include "core/result.h"
#include "store/database.h"

namespace imgbatch {

// "imgb": tells our databases from others (PRAGMA application_id).
inline constexpr int kApplicationId = 0x696D6762;
// PRAGMA user_version of the newest schema that this program knows.
inline constexpr int kSchemaVersion = 1;

// Brings the database to kSchemaVersion: each missing migration is one
// transaction that also notes the version. Nothing happens when it is there
// already. kNewerSchema when a newer program wrote it (the message names the
// version needed), kStore when it is not ours, kNotFound when a reader meets a
// database without tables.
Result<void> PrepareSchema(Database& database, Database::Use use);

}  // namespace imgbatch
