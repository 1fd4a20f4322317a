"""Verbs of a workspace's people: invite, let in, change a role, remove. What somebody made stays when they go."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from creator.models import ApiKey, Event, Invitation, Membership, Notice, User, Workspace
from creator.services import audit, keys, notices
from media_processing.engine import EngineError

VALID_DAYS = 7
OPEN_AT_MOST = 100
"""Invitations of a workspace that may be open at a time: nobody sends mail to the world from here."""


def invite(workspace: Workspace, *, role: str, by: User, address: str = "") -> Invitation:
    """Ask somebody in: by e-mail where an address is given, else by a link that `by` hands over.

    An open invitation to the same address is replaced. Raises EngineError for a member's address or too many.
    """
    address = address.strip().lower()
    if role not in Membership.Role.values:
        raise EngineError(_("There is no such role."), next_step=_("Choose one of the list."))
    if address and workspace.memberships.filter(user__email__iexact=address).exists():
        raise EngineError(
            _("Somebody with this address is a member already."), next_step=_("Change their role in the list.")
        )
    if workspace.invitations.open().count() >= OPEN_AT_MOST:
        raise EngineError(_("Too many invitations are open."), next_step=_("Withdraw some of them first."))
    with transaction.atomic():
        if address:
            workspace.invitations.open().filter(address=address).update(withdrawn=timezone.now())
        invitation = Invitation.objects.create(
            workspace=workspace, role=role, by=by, address=address, expires=timezone.now() + timedelta(days=VALID_DAYS)
        )
        if address:
            notices.tell_address(
                Notice.Kind.INVITATION, address, workspace_id=workspace.pk, once=f"invitation:{invitation.pk}", by=by,
                about={"invitation": str(invitation.pk), "days": VALID_DAYS, "language": by.language},
            )  # fmt: skip
        audit.record("invitation.make", invitation, by=by, workspace=workspace, detail={"role": role})
    return invitation


def withdraw(invitation: Invitation, *, by: User) -> None:
    """End an open invitation: its link opens nothing from now on."""
    with transaction.atomic():
        if Invitation.objects.open().filter(pk=invitation.pk).update(withdrawn=timezone.now()):
            audit.record("invitation.withdraw", invitation, by=by, workspace=invitation.workspace_id)


def accept(invitation: Invitation, user: User) -> Membership:
    """Let a person in. Of two who open the same link at once, one gets in. Who is a member already keeps their role."""
    with transaction.atomic():
        taken = Invitation.objects.open().filter(pk=invitation.pk).update(accepted=timezone.now(), accepted_by=user)
        if not taken:
            raise EngineError(_("This invitation is over."), next_step=_("Ask for a new one."))
        membership, created = Membership.objects.get_or_create(
            workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
        )
        User.objects.filter(pk=user.pk).update(workspace=invitation.workspace)
        _keep_admin_site_in_step(user)
        if created:
            audit.record(
                "membership.make", f"user:{user.pk}", by=user, workspace=invitation.workspace,
                detail={"role": membership.role, "invitation": str(invitation.pk)},
            )  # fmt: skip
    return membership


def change_role(membership: Membership, role: str, *, by: User) -> None:
    """Make a member something else. Raises EngineError where no admin would remain."""
    if role not in Membership.Role.values:
        raise EngineError(_("There is no such role."), next_step=_("Choose one of the list."))
    with transaction.atomic():
        locked = _locked(membership)
        if locked.role == role:
            return
        if role != Membership.Role.ADMIN:
            _require_another_admin(locked)
        before, locked.role = locked.role, role
        locked.save(update_fields=["role"])
        _keep_admin_site_in_step(locked.user)
        audit.record(
            "membership.change", f"user:{locked.user_id}", by=by, workspace=locked.workspace_id,
            detail={"from": before, "to": role},
        )  # fmt: skip


def remove(membership: Membership, *, by: User) -> None:
    """Take somebody out of a workspace. What they made stays, under their name; their keys to it end with them."""
    with transaction.atomic():
        locked = _locked(membership)
        _require_another_admin(locked)
        user, role, workspace_id = locked.user, locked.role, locked.workspace_id
        locked.delete()
        for key in ApiKey.objects.filter(person=user, channel__workspace=workspace_id, revoked__isnull=True):
            keys.revoke(key, by=by)
        User.objects.filter(pk=user.pk, workspace=workspace_id).update(workspace=None)
        Notice.objects.filter(
            Q(mail=Notice.Mail.WAITING) | Q(mail=Notice.Mail.DIGEST), person=user, workspace=workspace_id
        ).update(mail=Notice.Mail.NONE)
        Event.objects.filter(kind=notices.TOLD, person=user, workspace=workspace_id).delete()
        _keep_admin_site_in_step(user)
        audit.record("membership.remove", f"user:{user.pk}", by=by, workspace=workspace_id, detail={"role": role})


def _locked(membership: Membership) -> Membership:
    """The membership, with all admins of its workspace locked: two who demote each other can't both succeed."""
    rows = Membership.objects.select_for_update(of=("self",)).select_related("user")
    list(rows.filter(workspace=membership.workspace_id, role=Membership.Role.ADMIN).order_by("pk"))
    found = rows.filter(pk=membership.pk).first()
    if found is None:
        raise EngineError(_("This person is no member any more."), next_step=_("Reload the page."))
    return found


def _require_another_admin(membership: Membership) -> None:
    if membership.role != Membership.Role.ADMIN:
        return
    others = Membership.objects.filter(
        workspace=membership.workspace_id, role=Membership.Role.ADMIN, user__is_active=True
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise EngineError(
            _("This is the last admin of the workspace."), next_step=_("Make somebody else an admin first.")
        )


def _keep_admin_site_in_step(user: User) -> None:
    """Moderators and admins of any workspace reach the admin site, where Review is; superusers always do."""
    higher = (Membership.Role.MODERATOR, Membership.Role.ADMIN)
    staff = Membership.objects.filter(user=user, role__in=higher).exists()
    User.objects.filter(pk=user.pk, is_superuser=False).update(is_staff=staff)
