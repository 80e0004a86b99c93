# What stands in the database of Redmine that the tests begin with: its default data, a project, and two people who may work
# in it, each with an API key in a file of the folder that is named behind this one.
Redmine::DefaultData::Loader.load('en')
Setting.rest_api_enabled = '1'
project = Project.new(name: 'Operations', identifier: 'operations')
project.trackers = Tracker.all
project.save!
%w[uphold ada].each do |login|
  user = User.new(login: login, firstname: login.capitalize, lastname: 'Example', mail: "#{login}@example.net", language: 'en')
  user.password = user.password_confirmation = 'of-the-people'
  user.save!
  Member.create!(project: project, user: user, roles: [Role.find_by!(name: 'Manager')])
  File.write(File.join(ARGV.fetch(0), "#{login}.token"), user.api_key)
end
