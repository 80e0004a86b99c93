# What stands in the database of Request Tracker that the tests begin with: a queue, and two people who may work in it, each
# with a token in a file beside the database.
@Queues = ({ Name => 'Operations', Description => 'Operations' });
@Users = map +{ Name => $_, EmailAddress => "$_\@example.net", Password => 'of-the-people', Privileged => 1 }, qw(uphold ada);
@ACL = map {
    my $user = $_;
    map +{ UserId => $user, Queue => 'Operations', Right => $_ },
        qw(SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ReplyToTicket ModifyTicket OwnTicket);
} qw(uphold ada);
@Final = (sub {
    for my $name (qw(uphold ada)) {
        my $user = RT::User->new(RT->SystemUser);
        $user->Load($name);
        my $token = RT::AuthToken->new(RT->SystemUser);
        my ($ok, $why, $text) = $token->Create(Owner => $user->Id, Description => 'tests');
        die $why unless $ok;
        open my $file, '>', "$name.token" or die $!;
        print $file $text;
        close $file;
    }
});
1;
