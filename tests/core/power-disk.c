/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "tests/core/power-disk-private.h"

#include <sys/stat.h>

#define FIRST_INODE ((guint64) 4200)

PowerDisk power_disk = { .lock = { PTHREAD_MUTEX_INITIALIZER } };

static void
op_free (PowerOp *op)
{
  g_clear_pointer (&op->bytes, g_bytes_unref);
  g_free (op->name);
  g_free (op->new_name);
  g_free (op);
}

void
power_tape_free (PowerTape *freed)
{
  g_ptr_array_unref (freed->ops);
  g_array_unref (freed->inodes);
  g_byte_array_unref (freed->database);
  g_byte_array_unref (freed->log);
  g_free (freed);
}

PowerOp *
power_disk_append (PowerOpKind kind, guint file)
{
  PowerOp *op = g_new0 (PowerOp, 1);

  op->kind = kind;
  op->file = file;
  g_ptr_array_add (power_disk.tape->ops, op);

  return op;
}

void
power_disk_append_name (PowerOpKind kind, guint file, const char *name, const char *new_name)
{
  PowerOp *op;

  if (power_disk.tape == NULL)
    return;

  op = power_disk_append (kind, file);
  op->name = g_path_get_basename (name);
  op->new_name = g_strdup (new_name);
}

PowerEntry *
power_disk_find (guint64 real_inode)
{
  return power_disk.entries != NULL ? g_hash_table_lookup (power_disk.entries, &real_inode) : NULL;
}

PowerEntry *
power_disk_add (guint64 real_inode, guint64 inode)
{
  PowerEntry *entry = g_new0 (PowerEntry, 1);

  if (power_disk.entries == NULL)
    power_disk.entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  entry->inode = inode;
  entry->n_names = 1;
  if (power_disk.tape != NULL)
    {
      entry->number = power_disk.tape->inodes->len;
      g_array_append_val (power_disk.tape->inodes, inode);
    }
  g_hash_table_replace (power_disk.entries, g_memdup2 (&real_inode, sizeof real_inode), entry);

  return entry;
}

guint64
power_disk_find_free_inode (void)
{
  guint64 inode = FIRST_INODE;
  GHashTableIter iter;
  gpointer value;

  if (power_disk.entries == NULL)
    return inode;

  g_hash_table_iter_init (&iter, power_disk.entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      if (((PowerEntry *) value)->inode != inode)
        continue;
      inode++;
      g_hash_table_iter_init (&iter, power_disk.entries);
    }

  return inode;
}

void
power_disk_take_name (guint64 real_inode, const char *name)
{
  PowerEntry *entry = power_disk_find (real_inode);

  if (entry == NULL)
    return;

  power_disk_append_name (POWER_UNLINK, entry->number, name, NULL);
  if (--entry->n_names == 0)
    g_hash_table_remove (power_disk.entries, &real_inode);
}

static GByteArray *
read_whole (const char *path)
{
  char *bytes;
  gsize n_bytes;

  if (!g_file_get_contents (path, &bytes, &n_bytes, NULL))
    return g_byte_array_new ();

  return g_byte_array_new_take ((guint8 *) bytes, n_bytes);
}

/* Begins a tape. What the catalog holds counts as synced, and there must be no files. */
void
power_disk_begin (const char *catalog_path, const PowerFaults *wanted)
{
  g_autofree char *log_path = g_strconcat (catalog_path, "-wal", NULL);

  power_disk_forget_files ();

  dray_lock_acquire (&power_disk.lock);
  g_assert_null (power_disk.tape);
  power_disk.tape = g_new0 (PowerTape, 1);
  power_disk.tape->ops = g_ptr_array_new_with_free_func ((GDestroyNotify) op_free);
  power_disk.tape->inodes = g_array_new (FALSE, FALSE, sizeof (guint64));
  power_disk.tape->database = read_whole (catalog_path);
  power_disk.tape->log = read_whole (log_path);
  power_disk.faults = *wanted;
  power_disk.n_syncs = 0;
  power_disk.n_written = 0;
  dray_lock_release (&power_disk.lock);
}

PowerTape *
power_disk_end (void)
{
  PowerTape *ended;

  dray_lock_acquire (&power_disk.lock);
  ended = g_steal_pointer (&power_disk.tape);
  dray_lock_release (&power_disk.lock);

  return ended;
}

void
power_disk_forget_files (void)
{
  dray_lock_acquire (&power_disk.lock);
  g_clear_pointer (&power_disk.entries, g_hash_table_unref);
  dray_lock_release (&power_disk.lock);
}

/* Gives a file that the test made, by one of its names, the inode that its original had. */
void
power_disk_adopt (const char *path, guint64 inode)
{
  struct stat facts;
  PowerEntry *entry;

  g_assert_cmpint (__real_lstat64 (path, &facts), ==, 0);
  dray_lock_acquire (&power_disk.lock);
  entry = power_disk_find (facts.st_ino);
  if (entry != NULL)
    entry->n_names++;
  else
    power_disk_add (facts.st_ino, inode);
  dray_lock_release (&power_disk.lock);
}

/* Another shift is another mount: the drive went and came back. */
void
power_disk_set_mount (guint64 shift)
{
  dray_lock_acquire (&power_disk.lock);
  power_disk.mount_shift = shift;
  dray_lock_release (&power_disk.lock);
}

/* Returns how many bytes of files are on the tape that is being recorded. */
gint64
power_disk_get_written (void)
{
  gint64 written;

  dray_lock_acquire (&power_disk.lock);
  written = power_disk.n_written;
  dray_lock_release (&power_disk.lock);

  return written;
}

/* Puts a call of SQLite on the tape. */
void
power_disk_note (PowerOpKind kind, guint since, gint64 offset, gconstpointer bytes, gsize n)
{
  dray_lock_acquire (&power_disk.lock);
  if (power_disk.tape != NULL)
    {
      PowerOp *op = power_disk_append (kind, 0);

      op->since = since;
      op->offset = offset;
      op->bytes = bytes != NULL ? g_bytes_new (bytes, n) : NULL;
    }
  dray_lock_release (&power_disk.lock);
}

/* How many calls are on the tape, for a sync that begins. */
guint
power_disk_get_position (gboolean *recording)
{
  guint position;

  dray_lock_acquire (&power_disk.lock);
  position = power_disk.tape != NULL ? power_disk.tape->ops->len : 0;
  *recording = power_disk.tape != NULL;
  dray_lock_release (&power_disk.lock);

  return position;
}
