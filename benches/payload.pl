#!/usr/bin/perl
# payload.pl OUT [FILES [MEGABYTES]]: makes OUT/old and OUT/new, one payload in two versions, from files that every Debian
# machine has. The same machine gives the same bytes. What differs in the new version is what differs between two releases of
# a product: some texts are edited, programs are relinked (bytes go in, and words all over move with them), files are
# renamed, removed and added.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find;
use File::Path qw(make_path);
use Digest::MD5 qw(md5_hex);

my ($out, $wanted, $megabytes) = @ARGV;
die "usage: payload.pl OUT [FILES [MEGABYTES]]\n" unless defined $out;
$wanted    //= 10_000;
$megabytes //= 300;
my $room = $megabytes * 1_000_000;

# A generator of our own: Perl's differs from release to release.
my $state = 20_240_117;
sub roll {
    my ($below) = @_;
    $state = ($state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return int($state / 2_147_483_648 * $below);
}

sub found {
    my %seen;
    find({
            no_chdir => 1,
            wanted   => sub {
                return if -l $_ || !-f _ || !-r _ || -s _ == 0 || -s _ > 40_000_000;
                $seen{$_} = -s _;
            },
        },
        grep { -d } qw(/usr/bin /usr/sbin /usr/lib /usr/share));
    return %seen;
}

my %size   = found();
my @order  = sort { md5_hex($a) cmp md5_hex($b) } keys %size;
# Half of the bytes are programs and libraries, as in a product; a few of them are large.
my @chosen = ();
my %taken;
my $total = 0;
sub take {
    my ($least, $most, $share) = @_;
    for my $path (@order) {
        last if $total >= $room * $share || @chosen >= $wanted;
        next if $taken{$path} || $size{$path} < $least || $size{$path} >= $most || $total + $size{$path} > $room;
        $taken{$path} = 1;
        push @chosen, $path;
        $total += $size{$path};
    }
    return;
}
take(8_000_000, 40_000_000, 0.20);
take(400_000,   8_000_000,  0.60);
take(60_000,    400_000,    0.78);
take(1,         60_000,     1.0);
my @spare = grep { !$taken{$_} && $size{$_} < 400_000 } @order;

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$in> // '';
}

sub put {
    my ($path, $content, $program) = @_;
    make_path(dirname($path));
    open my $file, '>:raw', $path or die "$path: $!\n";
    print {$file} $content or die "$path: $!\n";
    close $file or die "$path: $!\n";
    chmod($program ? 0755 : 0644, $path) or die "$path: $!\n";
    return;
}

# A few lines are changed, one is added, one is gone.
sub edited {
    my ($text) = @_;
    my @lines = split /(?<=\n)/, $text;
    for (1 .. 1 + roll(4)) {
        my $at = roll(scalar @lines);
        $lines[$at] =~ s/([A-Za-z]{4,})/$1 . roll(1000)/e;
    }
    splice @lines, roll(scalar @lines), 0, "release " . roll(1_000_000) . " of the payload\n";
    splice @lines, roll(scalar @lines), 1 if @lines > 10;
    return join '', @lines;
}

# New code goes in at some spots; every word that points behind a spot moves along, one in fifty words does.
sub relinked {
    my ($old) = @_;
    my $spots = 2 + roll(6);
    my @cuts = sort { $a <=> $b } map { 4 * roll(int(length($old) / 4)) } 1 .. $spots;
    my ($new, $from, $moved) = ('', 0, 0);
    for my $cut (@cuts, length $old) {
        my @words = unpack 'V*', substr($old, $from, $cut - $from);
        my $rest  = substr $old, $cut - ($cut - $from) % 4, ($cut - $from) % 4;
        my $next  = roll(100);
        while ($next < @words) {
            $words[$next] = ($words[$next] + $moved) % 4_294_967_296 if $moved;
            $next += 1 + roll(100);
        }
        $new .= pack('V*', @words) . $rest;
        if ($cut < length $old) {
            # Code that was not there before, made of code that was.
            my $grown = 16 * (1 + roll(32));
            my $model = substr $old, roll(length($old)), $grown;
            $new .= join '', map { roll(3) ? $_ : chr roll(256) } split //, $model;
            $moved += length $model;
        }
        $from = $cut;
    }
    return $new;
}

my %kept = map { $_ => 0 } qw(unchanged edited relinked renamed removed added);
for my $path (@chosen) {
    my $content = slurp($path);
    my $program = $content =~ /\A(?:\x7fELF|#!)/;
    (my $name = $path) =~ s{^/usr/}{};
    $name =~ s/[^\x21-\x7e]/_/g;
    put("$out/old/$name", $content, $program);
    my $fate = roll(100);
    my ($place, $changed) = ($name, $content);
    if ($fate < 2) {
        $kept{removed}++;
        next;
    }
    my $renamed = $fate < 6;
    $place = "moved/" . roll(10) . "/$name" if $renamed;
    if ($fate < 30 && $fate % 2 == 0 && length $content > 64) {
        my $is_text = $content !~ /\0/;
        $changed = $is_text ? edited($content) : relinked($content);
        $kept{ $is_text ? 'edited' : 'relinked' }++;
    }
    elsif (!$renamed) {
        $kept{unchanged}++;
    }
    $kept{renamed}++ if $renamed;
    put("$out/new/$place", $changed, $program);
}
for my $path (@spare[0 .. ($#spare < 149 ? $#spare : 149)]) {
    (my $name = $path) =~ s{^/usr/}{};
    $name =~ s/[^\x21-\x7e]/_/g;
    my $content = slurp($path);
    put("$out/new/$name", $content, $content =~ /\A(?:\x7fELF|#!)/);
    $kept{added}++;
}
printf "%d files, %.0f MB: %s\n", scalar @chosen, $total / 1e6, join ', ', map { "$kept{$_} $_" } sort keys %kept;
