/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "ui/downloads-page-private.h"

#include "ui/downloads-cell.h"
#include "ui/format.h"

#include "core/library/library.h"

#include <glib/gi18n.h>

G_DEFINE_FINAL_TYPE (DrayDownloadsPage, dray_downloads_page, ADW_TYPE_BIN)

static void
show_what_there_is (DrayDownloadsPage *self)
{
  GListModel *models = dray_downloads_get_models (self->downloads);
  gboolean empty = g_list_model_get_n_items (models) == 0;

  gtk_stack_set_visible_child_name (self->stack, empty ? "first-run" : "list");
}

static void
describe_library (DrayDownloadsPage *self)
{
  g_autofree char *folder = dray_format_folder (self->library);
  gint64 bytes = dray_free_space_get_bytes (self->free_space);
  g_autofree char *size = dray_format_room (bytes);
  g_autofree char *text = NULL;

  /* Translators: where models go and what room there is, as in "Saved in Downloads/Models · 118 GB
   * free". */
  if (bytes >= 0)
    text = g_strdup_printf (_ ("Saved in %s · %s free"), folder, size);
  else
    text = g_strdup_printf (_ ("Saved in %s"), folder);
  gtk_label_set_label (self->saved_in, text);
}

/* Without bytes that move, only others change the room: that is nothing to wake up for. */
static void
watch_space_cb (DrayDownloadsPage *self)
{
  dray_free_space_set_active (self->free_space, dray_section_get_speed (self->in_progress) > 0);
}

static GListModel *
list_children_cb (gpointer item, G_GNUC_UNUSED gpointer user_data)
{
  if (DRAY_IS_MODEL (item) && dray_model_get_n_requests (DRAY_MODEL (item)) > 1)
    return g_object_ref (G_LIST_MODEL (item));

  return NULL;
}

static void
set_up_cell_cb (G_GNUC_UNUSED GtkListItemFactory *factory, GtkListItem *item)
{
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_selectable (item, FALSE);
  gtk_list_item_set_child (item, dray_downloads_cell_new ());
}

static void
bind_cell_cb (G_GNUC_UNUSED GtkListItemFactory *factory, GtkListItem *item)
{
  dray_downloads_cell_set_tree_row (DRAY_DOWNLOADS_CELL (gtk_list_item_get_child (item)),
                                    gtk_list_item_get_item (item));
}

static void
unbind_cell_cb (G_GNUC_UNUSED GtkListItemFactory *factory, GtkListItem *item)
{
  dray_downloads_cell_set_tree_row (DRAY_DOWNLOADS_CELL (gtk_list_item_get_child (item)), NULL);
}

static gboolean
go_to_top_cb (gpointer user_data)
{
  DrayDownloadsPage *self = user_data;

  self->top_source = 0;
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scroller), 0);

  return G_SOURCE_REMOVE;
}

/* A list view follows the rows that it shows, so a section that comes in above them would be out of
 * sight; a list that is at its top stays there. */
static void
rows_changed_cb (DrayDownloadsPage *self)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (self->scroller);

  if (self->top_source == 0 && gtk_adjustment_get_value (adjustment) < 1)
    self->top_source = g_idle_add (go_to_top_cb, self);
}

/* The sections one after another, and under each model of several files its files. */
static GtkSelectionModel *
build_tree (DrayDownloadsPage *self)
{
  GListStore *sections = g_list_store_new (G_TYPE_LIST_MODEL);
  GtkFlattenListModel *flat;
  GtkTreeListModel *tree;

  g_clear_object (&self->in_progress);
  for (guint i = 0; i < DRAY_N_MODEL_SECTIONS; i++)
    {
      g_autoptr (DraySection) section
          = dray_section_new (i, dray_downloads_get_models (self->downloads));

      g_list_store_append (sections, section);
      if (i == DRAY_MODEL_IN_PROGRESS)
        g_set_object (&self->in_progress, section);
    }
  g_object_bind_property (self->free_space, "bytes", self->in_progress, "free-bytes",
                          G_BINDING_SYNC_CREATE);
  g_signal_connect_object (self->in_progress, "notify::speed", G_CALLBACK (watch_space_cb), self,
                           G_CONNECT_SWAPPED);
  watch_space_cb (self);
  dray_downloads_bind_held (self->downloads, G_OBJECT (self->in_progress));

  flat = gtk_flatten_list_model_new (G_LIST_MODEL (sections));
  tree = gtk_tree_list_model_new (G_LIST_MODEL (flat), FALSE, TRUE, list_children_cb, NULL, NULL);
  g_signal_connect_object (tree, "items-changed", G_CALLBACK (rows_changed_cb), self,
                           G_CONNECT_SWAPPED);
  return GTK_SELECTION_MODEL (gtk_no_selection_new (G_LIST_MODEL (tree)));
}

/* The cell that has the focus, or holds what has it. */
static DrayDownloadsCell *
find_focused_cell (DrayDownloadsPage *self)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self)));
  GtkWidget *child = focus != NULL ? gtk_widget_get_first_child (focus) : NULL;

  if (DRAY_IS_DOWNLOADS_CELL (child))
    return DRAY_DOWNLOADS_CELL (child);

  return NULL;
}

/* The buttons of the row that has the focus; NULL if there is none that can be pressed. */
static DrayRowButtons *
find_buttons (GtkWidget *widget, gpointer page)
{
  DrayDownloadsCell *cell = find_focused_cell (page);

  return cell != NULL && gtk_widget_is_sensitive (widget) ? dray_downloads_cell_get_buttons (cell)
                                                          : NULL;
}

static gboolean
toggle_cb (GtkWidget *widget, G_GNUC_UNUSED GVariant *parameters, gpointer user_data)
{
  DrayRowButtons *buttons = find_buttons (widget, user_data);

  if (buttons != NULL)
    dray_row_buttons_toggle (buttons);
  return buttons != NULL;
}

static gboolean
drop_cb (GtkWidget *widget, G_GNUC_UNUSED GVariant *parameters, gpointer user_data)
{
  DrayRowButtons *buttons = find_buttons (widget, user_data);

  if (buttons != NULL)
    dray_row_buttons_drop (buttons);
  return buttons != NULL;
}

static gboolean
move_up_cb (GtkWidget *widget, G_GNUC_UNUSED GVariant *parameters, gpointer user_data)
{
  DrayRowButtons *buttons = find_buttons (widget, user_data);

  if (buttons != NULL)
    dray_row_buttons_move (buttons, TRUE);
  return buttons != NULL;
}

static gboolean
move_down_cb (GtkWidget *widget, G_GNUC_UNUSED GVariant *parameters, gpointer user_data)
{
  DrayRowButtons *buttons = find_buttons (widget, user_data);

  if (buttons != NULL)
    dray_row_buttons_move (buttons, FALSE);
  return buttons != NULL;
}

/* Before the list's own keys, and only while a row itself has the focus: a button keeps Space. */
static void
add_row_shortcuts (DrayDownloadsPage *self)
{
  static const struct
  {
    guint keyval;
    GdkModifierType modifiers;
    GtkShortcutFunc func;
  } keys[] = {
    { GDK_KEY_space, 0, toggle_cb },
    { GDK_KEY_Delete, 0, drop_cb },
    { GDK_KEY_Up, GDK_ALT_MASK, move_up_cb },
    { GDK_KEY_Down, GDK_ALT_MASK, move_down_cb },
  };
  GtkEventController *controller = gtk_shortcut_controller_new ();

  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_CAPTURE);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_shortcut_controller_add_shortcut (
        GTK_SHORTCUT_CONTROLLER (controller),
        gtk_shortcut_new (gtk_keyval_trigger_new (keys[i].keyval, keys[i].modifiers),
                          gtk_callback_action_new (keys[i].func, self, NULL)));
  gtk_widget_add_controller (GTK_WIDGET (self->list), controller);
}

static void
add_shortcut (GtkEventController *controller,
              guint keyval,
              GdkModifierType modifiers,
              const char *action)
{
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (controller),
      gtk_shortcut_new (gtk_keyval_trigger_new (keyval, modifiers),
                        gtk_named_action_new (action)));
}

/* Wherever in the window the focus is. */
static void
add_page_shortcuts (DrayDownloadsPage *self)
{
  GtkEventController *controller = gtk_shortcut_controller_new ();

  gtk_shortcut_controller_set_scope (GTK_SHORTCUT_CONTROLLER (controller),
                                     GTK_SHORTCUT_SCOPE_GLOBAL);
  add_shortcut (controller, GDK_KEY_z, GDK_CONTROL_MASK, "downloads.undo-last");
  add_shortcut (controller, GDK_KEY_p, GDK_CONTROL_MASK | GDK_SHIFT_MASK,
                "downloads.toggle-hold");
  gtk_widget_add_controller (GTK_WIDGET (self), controller);
}

static void
dray_downloads_page_dispose (GObject *object)
{
  DrayDownloadsPage *self = DRAY_DOWNLOADS_PAGE (object);

  dray_downloads_page_close (self);
  g_clear_handle_id (&self->top_source, g_source_remove);
  g_clear_object (&self->in_progress);
  g_clear_object (&self->free_space);
  g_clear_object (&self->chooser);
  g_clear_pointer (&self->library, g_free);

  G_OBJECT_CLASS (dray_downloads_page_parent_class)->dispose (object);
}

static void
dray_downloads_page_class_init (DrayDownloadsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = dray_downloads_page_dispose;

  g_type_ensure (DRAY_TYPE_DOWNLOADS_CELL);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/dray/Dray/downloads-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, toasts);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, stack);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, read_only);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, scroller);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, list);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, saved_in);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, change_library);
  gtk_widget_class_bind_template_child (widget_class, DrayDownloadsPage, failure);
  gtk_widget_class_bind_template_callback (widget_class, set_up_cell_cb);
  gtk_widget_class_bind_template_callback (widget_class, bind_cell_cb);
  gtk_widget_class_bind_template_callback (widget_class, unbind_cell_cb);
  dray_downloads_page_install_actions (widget_class);
}

static void
dray_downloads_page_init (DrayDownloadsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->library = dray_library_get_default_root ();
  self->free_space = dray_free_space_new (self->library);
  g_signal_connect_object (self->free_space, "notify::bytes", G_CALLBACK (describe_library), self,
                           G_CONNECT_SWAPPED);
  describe_library (self);
  add_row_shortcuts (self);
  add_page_shortcuts (self);
  dray_downloads_page_update_actions (self);
}

/**
 * dray_downloads_page_set_downloads:
 * @self: a page
 * @downloads: what it shows from now on
 */
void
dray_downloads_page_set_downloads (DrayDownloadsPage *self, DrayDownloads *downloads)
{
  g_autoptr (GtkSelectionModel) tree = NULL;
  gboolean read_only;

  g_return_if_fail (DRAY_IS_DOWNLOADS_PAGE (self));

  dray_downloads_page_close (self);
  self->downloads = g_object_ref (downloads);
  g_signal_connect_swapped (dray_downloads_get_models (downloads), "items-changed",
                            G_CALLBACK (show_what_there_is), self);

  read_only = dray_downloads_is_read_only (downloads);
  gtk_widget_set_visible (self->read_only, read_only);
  gtk_widget_set_sensitive (GTK_WIDGET (self->list), !read_only);
  tree = build_tree (self);
  gtk_list_view_set_model (self->list, tree);
  dray_downloads_page_update_actions (self);
  if (read_only)
    gtk_stack_set_visible_child_name (self->stack, "list");
  else
    show_what_there_is (self);
}

/**
 * dray_downloads_page_get_downloads:
 * @self: a page
 *
 * Returns: (transfer none) (nullable): what it shows
 */
DrayDownloads *
dray_downloads_page_get_downloads (DrayDownloadsPage *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOADS_PAGE (self), NULL);

  return self->downloads;
}

/**
 * dray_downloads_page_set_library:
 * @self: a page
 * @folder: the absolute folder where finished models go
 * @can_change: whether a person can choose another one
 */
void
dray_downloads_page_set_library (DrayDownloadsPage *self, const char *folder, gboolean can_change)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS_PAGE (self));

  gtk_widget_set_visible (self->change_library, can_change);

  if (g_strcmp0 (self->library, folder) == 0)
    return;

  g_free (self->library);
  self->library = g_strdup (folder);
  dray_free_space_set_folder (self->free_space, folder);
  describe_library (self);
}

const char *
dray_downloads_page_get_library (DrayDownloadsPage *self)
{
  g_return_val_if_fail (DRAY_IS_DOWNLOADS_PAGE (self), NULL);

  return self->library;
}

/**
 * dray_downloads_page_close:
 * @self: a page
 *
 * Commits what can still be undone, and asks nothing more of the manager.
 */
void
dray_downloads_page_close (DrayDownloadsPage *self)
{
  g_return_if_fail (DRAY_IS_DOWNLOADS_PAGE (self));

  if (self->downloads == NULL)
    return;

  g_signal_handlers_disconnect_by_data (dray_downloads_get_models (self->downloads), self);
  dray_downloads_close (self->downloads);
  g_clear_object (&self->downloads);
  self->last_discard = 0;
  g_clear_object (&self->last_toast);
}

/**
 * dray_downloads_page_set_failure:
 * @self: a page
 * @message: why there is no list
 */
void
dray_downloads_page_set_failure (DrayDownloadsPage *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  g_return_if_fail (DRAY_IS_DOWNLOADS_PAGE (self));

  adw_status_page_set_description (self->failure, escaped);
  gtk_stack_set_visible_child_name (self->stack, "failure");
}

/**
 * dray_downloads_page_show_request:
 * @self: a page
 * @request: a request of the list
 *
 * Scrolls to the card of the request.
 */
void
dray_downloads_page_show_request (DrayDownloadsPage *self, DrayRequest *request)
{
  GListModel *rows;

  g_return_if_fail (DRAY_IS_DOWNLOADS_PAGE (self));

  rows = G_LIST_MODEL (gtk_list_view_get_model (self->list));
  for (guint i = 0; i < g_list_model_get_n_items (rows); i++)
    {
      g_autoptr (GtkTreeListRow) row = g_list_model_get_item (rows, i);
      g_autoptr (GObject) item = gtk_tree_list_row_get_item (row);

      if (DRAY_IS_MODEL (item)
          && g_str_equal (dray_model_get_id (DRAY_MODEL (item)),
                          dray_request_get_model_id (request)))
        {
          g_clear_handle_id (&self->top_source, g_source_remove);
          gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", i);
          return;
        }
    }
}

/**
 * dray_downloads_page_tell:
 * @self: a page
 * @message: what to tell for a few seconds
 */
void
dray_downloads_page_tell (DrayDownloadsPage *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  g_return_if_fail (DRAY_IS_DOWNLOADS_PAGE (self));

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}
